package account_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
)

func TestDeviceName(t *testing.T) {
	tests := []struct{ name, typed, want, reason string }{
		{"plain", "Téléphone de Léa", "Téléphone de Léa", ""},
		{"outer blanks", "  Clé  ", "Clé", ""},
		{"64 characters of two bytes", strings.Repeat("é", 64), strings.Repeat("é", 64), ""},
		{"65", strings.Repeat("é", 65), "", "too_long"},
		{"a line end", "a\nb", "", "control"},
		{"a right-to-left override", "a\u202eb", "", "control"},
		{"invalid UTF-8", "a\xffb", "", "control"},
		{"empty", " ", "", "empty"},
		{"only a zero-width blank", "\u200b", "", "invisible"},
		{"only a filler", "\u3164", "", "invisible"},
		{"decomposed, after a no-break space", "\u00a0Te\u0301le\u0301phone", "Téléphone", ""},
		{"an emoji of several characters", "👩\u200d🔧", "👩\u200d🔧", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := account.DeviceName(test.typed, false)
			if got != test.want || (err == nil) != (test.reason == "") {
				t.Errorf("got %q, %v", got, err)
			}
			if test.reason != "" && !strings.HasSuffix(err.Error(), test.reason) {
				t.Errorf("got %v, want %s", err, test.reason)
			}
		})
	}
}
