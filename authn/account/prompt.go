package account

import (
	"encoding/json"

	"barillet/factors"
)

// Prompt is a factors.Prompt in a form that can be stored and shown again while its ceremony is pending.
type Prompt struct {
	View json.RawMessage `cbor:"1,keyasint,omitempty"`
	JSON json.RawMessage `cbor:"2,keyasint,omitempty"`
}

// NewPrompt returns the stored form of a prompt of a factor.
func NewPrompt(p factors.Prompt) (Prompt, error) {
	view, err := json.Marshal(p.View)
	return Prompt{View: view, JSON: p.JSON}, err
}
