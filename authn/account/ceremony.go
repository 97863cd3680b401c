package account

import (
	"encoding/json"
	"maps"
	"time"

	"barillet/factors"
)

// Ceremony is a verification that is not finished. It contains the state of each factor, at most one for each kind.
type Ceremony struct {
	Pending map[factors.Kind]factors.Pending `json:"pending"`
	At      time.Time                        `json:"at"`
	Expires time.Time                        `json:"expires" since:"At"`
}

// Prompt is a factors.Prompt in a form that can be stored and shown again while its ceremony is pending.
type Prompt struct {
	View json.RawMessage `json:"view,omitempty"`
	JSON json.RawMessage `json:"json,omitempty"`
}

// NewPrompt returns the stored form of a prompt of a factor.
func NewPrompt(p factors.Prompt) (Prompt, error) {
	view, err := json.Marshal(p.View)
	return Prompt{View: view, JSON: p.JSON}, err
}

// PendingFor returns the state of the kind; nil if there is none or the ceremony has expired.
func (c *Ceremony) PendingFor(kind factors.Kind, now time.Time) factors.Pending {
	if c == nil || !now.Before(c.Expires) {
		return nil
	}
	return c.Pending[kind]
}

// With returns a copy of the ceremony with the state of a kind for its next attempt. A nil state removes the kind: the
// challenge of a security key is valid for one answer, right or wrong.
func (c *Ceremony) With(now time.Time, kind factors.Kind, p factors.Pending) *Ceremony {
	out := Ceremony{Pending: map[factors.Kind]factors.Pending{}, At: now, Expires: now.Add(StepUpTTL)}
	if c != nil {
		maps.Copy(out.Pending, c.Pending)
		out.At, out.Expires = c.At, c.Expires
	}
	if p == nil {
		delete(out.Pending, kind)
	} else {
		out.Pending[kind], out.Expires = p, now.Add(StepUpTTL)
	}
	return &out
}
