package input_test

import (
	"strings"
	"testing"

	"barillet/internal/input"
)

func TestPhone_OneFormForEachNumber(t *testing.T) {
	for typed, want := range map[string]string{
		"":                                "",
		"  ":                              "",
		"+33612345678":                    "+33612345678",
		"+33 6 12 34 56 78":               "+33612345678",
		" +33.6.12.34.56.78 ":             "+33612345678",
		"+1 (212) 555-0100":               "+12125550100",
		"+44\u00a020\u202f7946\u20110958": "+442079460958",
		"+12345678":                       "+12345678",
		"+123456789012345":                "+123456789012345",
	} {
		if got, ok := input.Phone(typed); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", typed, got, ok, want)
		}
	}
	for _, typed := range []string{
		"06 12 34 56 78", "0033612345678", "33612345678", "+33 (0)6 12 34 56 78", "+33 ( 0)6 12 34 56 78", "+0612345678",
		"+1234567", "+1234567890123456", "+33 6 12 34 56 78 ext. 3", "tel:+33612345678", "++33612345678", "+33+612345678", "+", "+٣٣٦١٢٣٤٥٦٧٨",
		"+33612345678\x00", "+33612345678" + strings.Repeat(" ", 10) + strings.Repeat("-", 60), "none", "+\ufeff33612345678",
	} {
		if got, ok := input.Phone(typed); ok {
			t.Errorf("%q: got %q, want it refused", typed, got)
		}
	}
}

func FuzzPhone(f *testing.F) {
	for _, seed := range []string{"", "+33 6 12 34 56 78", "+1 (212) 555-0100", "+33 (0)6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		number, ok := input.Phone(typed)
		if !ok && number != "" {
			t.Errorf("%q: got %q with a refusal", typed, number)
		}
		if repeat, again := input.Phone(number); ok && (!again || repeat != number) {
			t.Errorf("%q: %q becomes %q, %v", typed, number, repeat, again)
		}
	})
}

func TestMaskPhone_ShowsFourDigits(t *testing.T) {
	if got := input.MaskPhone("+33612345678"); got != "…5678" {
		t.Errorf("got %q", got)
	}
}
