package secret_test

import (
	"strings"
	"testing"

	"barillet/internal/secret"
)

func TestIsToken(t *testing.T) {
	for text, want := range map[string]bool{
		secret.New().Reveal():          true,
		strings.Repeat("-_", 21) + "A": true,
		"":                             false,
		strings.Repeat("a", 42):        false,
		strings.Repeat("a", 44):        false,
		strings.Repeat("a", 42) + "=":  false,
		"a+" + strings.Repeat("a", 41): false,
		strings.Repeat("a", 42) + "\n": false,
		"a " + strings.Repeat("a", 41): false,
		strings.Repeat("é", 21) + "a":  false,
	} {
		if got := secret.IsToken(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}
