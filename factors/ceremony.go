package factors

import (
	"maps"
	"time"
)

// ceremonyTTL is the time for the next attempt.
const ceremonyTTL = 5 * time.Minute

// Ceremony is a verification that is not finished. It contains the state of each factor, at most one for each kind.
type Ceremony struct {
	Pending map[Kind]Pending `cbor:"1,keyasint"`
	At      time.Time        `cbor:"2,keyasint"`
	Expires time.Time        `cbor:"3,keyasint" since:"At"`
}

// PendingFor returns the state of the kind; nil if there is none or the ceremony has expired.
func (c *Ceremony) PendingFor(kind Kind, now time.Time) Pending {
	if c == nil || !now.Before(c.Expires) {
		return nil
	}
	return c.Pending[kind]
}

// With returns a copy of the ceremony with the state of a kind for its next attempt. A nil state removes the kind: the
// challenge of a security key is valid for one answer, right or wrong.
func (c *Ceremony) With(now time.Time, kind Kind, p Pending) *Ceremony {
	out := Ceremony{Pending: map[Kind]Pending{}, At: now, Expires: now.Add(ceremonyTTL)}
	if c != nil {
		maps.Copy(out.Pending, c.Pending)
		out.At, out.Expires = c.At, c.Expires
	}
	if p == nil {
		delete(out.Pending, kind)
	} else {
		out.Pending[kind], out.Expires = p, now.Add(ceremonyTTL)
	}
	return &out
}
