package account

import (
	"encoding/json"

	"barillet/factors"
)

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
