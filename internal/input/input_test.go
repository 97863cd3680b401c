package input_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"barillet/internal/input"
)

func TestName_SameCharactersHaveOneForm(t *testing.T) {
	for typed, want := range map[string]string{
		"He\u0301le\u0300ne":            "Hélène",
		"\u00a0Léa\u202f\ufeff":         "Léa",
		"\u200bLéa\u200b\u2060":         "Léa",
		"  ":                            "",
		"":                              "",
		"Jean-Luc O’Brien":              "Jean-Luc O’Brien",
		"👩\u200d🔧 atelier":              "👩\u200d🔧 atelier",
		"❤\ufe0f":                       "❤\ufe0f",
		"می\u200cخواهم":                 "می\u200cخواهم",
		"क्\u200dष":                     "क्\u200dष",
		strings.Repeat("e\u0301", 64):   strings.Repeat("é", 64),
		"Müller \u00a0 Söhne":           "Müller \u00a0 Söhne",
		"\u200dLéa":                     "Léa",
		strings.Repeat("\U0001F527", 3): strings.Repeat("\U0001F527", 3),
	} {
		if got, reason := input.Name(typed, 64); got != want || reason != "" {
			t.Errorf("%+q: got %+q, %q, want %+q", typed, got, reason, want)
		}
	}
}

func TestUnsafe_ASCII(t *testing.T) {
	for r := rune(0); r < 1<<8; r++ {
		want := unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
		if got := input.Unsafe(r); got != want {
			t.Errorf("%U is unsafe: %v, want %v", r, got, want)
		}
		if got := input.IsPlain("a" + string(r)); got != (!want && r < 0x80) {
			t.Errorf("%U is plain: %v", r, got)
		}
	}
}

func TestName_RefusesWhatNobodyCanRead(t *testing.T) {
	for typed, want := range map[string]string{
		"\u200b":                        input.ReasonInvisible,
		"\u200d\ufeff":                  input.ReasonInvisible,
		"\u3164":                        input.ReasonInvisible,
		"\u2800\u2800":                  input.ReasonInvisible,
		"Lé\u200ba":                     input.ReasonInvisible,
		"Le\u200da":                     input.ReasonInvisible,
		"Lé\u00ada":                     input.ReasonInvisible,
		"\u0301":                        input.ReasonInvisible,
		"Léa\u3164":                     input.ReasonInvisible,
		"\u202eaeL":                     input.ReasonControl,
		"L\u2066éa":                     input.ReasonControl,
		"L\u200eéa":                     input.ReasonControl,
		"Léa\x1b[31m":                   input.ReasonControl,
		"Léa\nDurand":                   input.ReasonControl,
		"Léa\u2028Durand":               input.ReasonControl,
		"L\xe9a":                        input.ReasonControl,
		strings.Repeat("a", 65):         input.ReasonTooLong,
		strings.Repeat("a", 1<<20):      input.ReasonTooLong,
		"x\U000E0041\U000E007F atelier": input.ReasonControl,
	} {
		if got, reason := input.Name(typed, 64); got != "" || reason != want {
			t.Errorf("%.20q: got %q, %q, want %q", typed, got, reason, want)
		}
	}
}

func TestText_KeepsLinesAndJoinersOnly(t *testing.T) {
	for _, c := range []struct {
		typed string
		lines bool
		want  string
		ok    bool
	}{
		{" a\r\nb\tc\u2028d ", true, "a\nb c d", true},
		{" a\r\nb ", false, "a b", true},
		{"x\u202ey\x1b[m\u200b", true, "xy[m", true},
		{"e\u0301\u00a0", true, "é", true},
		{"می\u200cخواهم", true, "می\u200cخواهم", true},
		{strings.Repeat("x", 11), true, strings.Repeat("x", 11), false},
		{strings.Repeat("x", 90), true, "", false},
	} {
		if got, ok := input.Text(c.typed, 10, c.lines); got != c.want || ok != c.ok {
			t.Errorf("%q: got %q, %v", c.typed, got, ok)
		}
	}
}

func TestCode_ReadsWhatIsSeen(t *testing.T) {
	for typed, want := range map[string]string{
		" 123\u00a0456\u202f":                  "123456",
		"\u200b12\u200d34\ufeff56\u2060":       "123456",
		"\u202a123456\u202c":                   "123456",
		"１２３４５６":                               "123456",
		"١٢٣٤٥٦":                               "123456",
		"१२३४५६":                               "123456",
		"7k3f–2q9m":                            "7k3f-2q9m",
		"ＷＤＪＢ－ｍｊｈｔ":                            "WDJB-mjht",
		"12\u22123456":                         "12-3456",
		"\U0001D7CE\U0001D7D7\U0001D7F6\u3164": "090",
		"+123":                                 "+123",
	} {
		if got := input.Code(typed); got != want {
			t.Errorf("%+q: got %q, want %q", typed, got, want)
		}
	}
}

func TestCode_KnowsTheValueOfEveryDigit(t *testing.T) {
	for _, table := range unicode.Nd.R16 {
		if (table.Hi-table.Lo+1)%10 != 0 || table.Stride != 1 {
			t.Errorf("%x to %x are not whole sets of ten digits", table.Lo, table.Hi)
		}
	}
	for _, table := range unicode.Nd.R32 {
		if (table.Hi-table.Lo+1)%10 != 0 || table.Stride != 1 {
			t.Errorf("%x to %x are not whole sets of ten digits", table.Lo, table.Hi)
		}
	}
}

func TestAddress_DropsWhatCannotBeSeen(t *testing.T) {
	for typed, want := range map[string]string{
		"Lea@Garage.example\u00a0":             "Lea@Garage.example",
		"\u202alea@garage.example\u202c\u200b": "lea@garage.example",
		"lea\u200b@garage.example":             "lea@garage.example",
		"lea @garage.example":                  "lea @garage.example",
		"lea@bu\u0308cher.example":             "lea@bücher.example",
	} {
		if got := input.Address(typed); got != want {
			t.Errorf("%+q: got %+q, want %+q", typed, got, want)
		}
	}
}

func TestPlain_IsSafeForATerminal(t *testing.T) {
	for s, want := range map[string]string{
		"Léa\x1b]0;x\x07": "Léa]0;x", "a\u202eb\u2069c": "abc", "a\u200b\ufeffb\u00ad": "ab", "a\u200e\u061cb": "ab", "a\nb\u2028c\u0085": "abc", "می\u200cخ": "می\u200cخ",
	} {
		if got := input.Plain(s); got != want {
			t.Errorf("%+q: got %+q, want %+q", s, got, want)
		}
	}
}

func TestFold_EqualIfOnlyTheTypingDiffers(t *testing.T) {
	same := [][]string{
		{"Hélène", "HÉLÈNE", "He\u0301le\u0300ne"},
		{"Jeanne d'Arc", "jeanne  d’arc", "Jeanne\u00a0d´Arc", "\u200bJeanne dʼArc"},
		{"Jean-Luc", "Jean\u2011Luc", "JEAN–LUC"},
		{"Großmann", "GROSSMANN"},
		{"ﬁn", "fin"},
		{"Ｇarage", "Garage"},
	}
	for i, group := range same {
		for _, s := range group {
			if input.Fold(s) != input.Fold(group[0]) {
				t.Errorf("%+q folds to %+q, want %+q", s, input.Fold(s), input.Fold(group[0]))
			}
			if got := input.Fold(input.Fold(s)); got != input.Fold(s) {
				t.Errorf("%+q: folded again, got %+q", s, got)
			}
			if input.Fold(s) == input.Fold(same[(i+1)%len(same)][0]) {
				t.Errorf("%q equals %q", s, same[(i+1)%len(same)][0])
			}
		}
	}
	if input.Fold("pêcheur") == input.Fold("pécheur") {
		t.Error("another accent is another word")
	}
}

func TestLoose_NeedsNoAccents(t *testing.T) {
	for s, want := range map[string]string{"Élodie": "elodie", "Großmann": "grossmann", "Cœur": "coeur", "Łukasz Søren": "lukasz soren", "İstanbul": "istanbul",
		"Ægir": "aegir", "がレージ": norm.NFC.String("がレージ"), "हिन्दी": "हिन्दी", "Λέων": "λεων"} {
		if got := input.Loose(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestWords_BeginAtEveryWord(t *testing.T) {
	for s, want := range map[string]string{
		"Jeanne d’Arc":               "jeanne darc/arc",
		"Jean-Luc.Martin@Garage.com": "jean luc martin garage com",
		"  ":                         "", "@.": "", "'": "", "O'": "o", "’Ndrangheta": "ndrangheta", "a''b": "ab/b/b",
	} {
		var got []string
		for _, w := range input.Words(s) {
			got = append(got, strings.Join(w.Starts(), "/"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestAppearance_EqualForNamesThatLookTheSame(t *testing.T) {
	for _, pair := range [][2]string{{"Garage", "Gаrаge"}, {"СТО", "CTO"}, {"Garage  du Port", "garage du\u00a0port"}, {"L’Atelier", "L'Atelier"},
		{"Pêche", "Pе\u0302che"}, {"Noёl", "Noël"}} {
		if input.Appearance(pair[0]) != input.Appearance(pair[1]) {
			t.Errorf("%+q and %+q differ: %q, %q", pair[0], pair[1], input.Appearance(pair[0]), input.Appearance(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"Garage 1", "Garage 2"}, {"Pêcheur", "Pécheur"}, {"Garage du Port", "GarageduPort"}} {
		if input.Appearance(pair[0]) == input.Appearance(pair[1]) {
			t.Errorf("%q and %q are equal", pair[0], pair[1])
		}
	}
}

func TestDomain_BecomesPunycodeUnlessItMisleads(t *testing.T) {
	for domain, want := range map[string]string{
		"bücher.example":    "xn--bcher-kva.example",
		"BÜCHER.Example":    "xn--bcher-kva.Example",
		"straße.example":    "xn--strae-oqa.example",
		"пример.example":    "xn--e1afmkfd.example",
		"xn--bcher-kva.de":  "xn--bcher-kva.de",
		"garage.example":    "garage.example",
		"gаrage.example":    "", // a Cyrillic letter
		"\u212aafe.example": "", // the Kelvin sign
		"ｇarage.example":    "",
		"bü_cher.example":   "",
		"bü\u200dcher.de":   "",
		"bücher。example":    "",
		"\u202ebücher.de":   "",
		"bü cher.de":        "",
		"-bücher.example":   "",
		"①.example":         "",
	} {
		if got, ok := input.Domain(domain); got != want || ok != (want != "") {
			t.Errorf("%+q: got %q, %v, want %q", domain, got, ok, want)
		}
	}
}

func TestPunycodeHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://Login.Bücher.example:8443/x?y=1": "login.xn--bcher-kva.example",
		"https://bücher.example":                  "xn--bcher-kva.example",
		"https://login.example":                   "",
		"https://[::1]/ü":                         "",
		"https://gаrage.example":                  "", // a Cyrillic letter
		"bücher.example":                          "",
		"https://%zz":                             "",
	} {
		if got := input.PunycodeHost(address); got != want {
			t.Errorf("%+q: got %q, want %q", address, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"He\u0301le\u0300ne", "\u200b", "👩\u200d🔧", "\u202ex", "\xff", "ﬁ", "d´Arc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		name, reason := input.Name(typed, 64)
		if reason != "" && name != "" {
			t.Fatalf("%q: got %q and %q", typed, name, reason)
		}
		if again, reason := input.Name(name, 64); reason != "" || again != name || input.Plain(name) != name {
			t.Fatalf("%q: %q is not stable: %q, %q", typed, name, again, reason)
		}
		if folded := input.Fold(typed); input.Fold(folded) != folded {
			t.Fatalf("%q: folded again, got %q, want %q", typed, input.Fold(folded), folded)
		}
		for _, w := range input.Words(typed) {
			for _, s := range w.Starts() {
				if s == "" || strings.ContainsAny(s, " '@./") {
					t.Fatalf("%q: got word %q", typed, s)
				}
			}
		}
	})
}
