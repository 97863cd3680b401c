package account

import (
	"encoding/json"
	"maps"
	"time"

	"barillet/factors"
)

// Ceremony is a verification under way: what its factor must remember. One at a time and kind.
type Ceremony struct {
	Pending map[factors.Kind]factors.Pending `json:"pending"`
	At      time.Time                        `json:"at"`
	Expires time.Time                        `json:"expires"`
}

// Prompt is a factors.Prompt that can be kept, sealed, and shown again while its ceremony is pending.
type Prompt struct {
	View json.RawMessage `json:"view,omitempty"`
	JSON json.RawMessage `json:"json,omitempty"`
}

// NewPrompt turns a factor's prompt into one that can be stored.
func NewPrompt(p factors.Prompt) (Prompt, error) {
	view, err := json.Marshal(p.View)
	return Prompt{View: view, JSON: p.JSON}, err
}

// PendingFor returns what the kind keeps; nil if there is nothing or it has expired.
func (c *Ceremony) PendingFor(kind factors.Kind, now time.Time) factors.Pending {
	if c == nil || !now.Before(c.Expires) {
		return nil
	}
	return c.Pending[kind]
}

// With returns the ceremony with what a kind needs for the next try. A nil Pending removes it: a key's challenge is
// valid for one answer, right or wrong.
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
