package shell

import (
	"barillet/internal/errcode"
	"barillet/templates"
)

// Refusal returns the key of the sentence that says why an operation was refused: the first in the catalogue of
// "invalid.{field}_{reason}", "invalid.{reason}" and "invalid.any" for a field, and of "refused.{reason}",
// "refused.code_{code}" and "refused.any" for the rest.
func (s *Shell) Refusal(lang string, e *errcode.Error) templates.Key {
	keys := []string{"refused." + e.Reason, "refused.code_" + string(e.Code)}
	last := templates.Key("refused.any")
	if e.Code == errcode.Invalid {
		keys, last = []string{"invalid." + e.Field + "_" + e.Reason, "invalid." + e.Reason}, "invalid.any"
	}
	for _, k := range keys {
		if s.Renderer.Has(lang, templates.Key(k)) {
			return templates.Key(k)
		}
	}
	return last
}
