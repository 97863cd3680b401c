package account_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/store"
)

func TestNormalizeLogin(t *testing.T) {
	tests := []struct{ name, typed, login, email string }{
		{"plain", "lea@atelier.example", "lea@atelier.example", "lea@atelier.example"},
		{"capitals and outer blanks", " \tLea@Atelier.EXAMPLE\r\n", "lea@atelier.example", "lea@atelier.example"},
		{"punycode", "lea@xn--caf-dma.example", "lea@xn--caf-dma.example", "lea@xn--caf-dma.example"},
		{"a tag", "lea+mfa@atelier.example", "lea+mfa@atelier.example", "lea+mfa@atelier.example"},
		{"a name without at", "lea", "lea", ""},
		{"a host without dots", "lea@localhost", "lea@localhost", "lea@localhost"},
		{"two ats", "lea@b@c.example", "lea@b@c.example", ""},
		{"no local part", "@c.example", "@c.example", ""},
		{"no domain", "lea@", "lea@", ""},
		{"a dot at the end", "lea@c.example.", "lea@c.example.", ""},
		{"two dots", "l..a@c.example", "l..a@c.example", ""},
		{"a label of 64", "lea@" + strings.Repeat("a", 64) + ".example", "lea@" + strings.Repeat("a", 64) + ".example", ""},
		{"a local part of 65", strings.Repeat("a", 65) + "@c.example", strings.Repeat("a", 65) + "@c.example", ""},
		{"254 bytes", strings.Repeat("a", 254), strings.Repeat("a", 254), ""},
		{"255 bytes", strings.Repeat("a", 255), "", ""},
		{"254 percent signs", strings.Repeat("%", 254), "", ""},
		{"empty", "", "", ""},
		{"an inner blank", "lea @c.example", "", ""},
		{"a dotless i", "mıke@c.example", "", ""},
		{"a Kelvin sign", "mi\u212ae@c.example", "", ""},
		{"a long s", "ſam@c.example", "", ""},
		{"a full-width at", "lea＠c.example", "", ""},
		{"a blank of no width", "lea\u200b@c.example", "lea@c.example", "lea@c.example"},
		{"a no-break space at the end", "lea@c.example\u00a0", "lea@c.example", "lea@c.example"},
		{"the marks of a mail program", "\u202alea@c.example\u202c\ufeff", "lea@c.example", "lea@c.example"},
		{"umlauts in the domain", "Lea@Bücher.example", "lea@xn--bcher-kva.example", "lea@xn--bcher-kva.example"},
		{"decomposed umlauts in the domain", "lea@bu\u0308cher.example", "lea@xn--bcher-kva.example", "lea@xn--bcher-kva.example"},
		{"umlauts in the local part", "léa@c.example", "", ""},
		{"a Cyrillic letter in a Latin domain", "lea@gаrage.example", "", ""},
		{"a Kelvin sign in the domain", "lea@\u212aafe.example", "", ""},
		{"NUL", "lea\x00@c.example", "", ""},
		{"a quoted local part", `"lea"@c.example`, "", ""},
		{"another recipient", "lea@c.example,eve@d.example", "", ""},
		{"a line of SMTP", "lea@c.example\r\nRCPT TO:<eve@d.example>", "", ""},
		{"angle brackets", "<lea@c.example>", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := account.NormalizeLogin(test.typed); got != test.login || ok != (test.login != "") {
				t.Errorf("login: got %q, %v, want %q", got, ok, test.login)
			}
			if got, ok := account.NormalizeEmail(test.typed); got != test.email || ok != (test.email != "") {
				t.Errorf("email: got %q, %v, want %q", got, ok, test.email)
			}
		})
	}
}

func FuzzNormalizeLogin(f *testing.F) {
	for _, seed := range []string{"lea@atelier.example", " LEA@ATELIER.EXAMPLE ", "a%2fb@c.example", "ıKſ＠\u200b\x00", strings.Repeat("/", 254)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, ok := account.NormalizeLogin(typed)
		if !ok && a != "" {
			t.Fatalf("got false and %q", a)
		}
		m, mailable := account.NormalizeEmail(typed)
		if mailable && m != a || !mailable && m != "" {
			t.Fatalf("%q: login %q, email %q", typed, a, m)
		}
		if !ok {
			return
		}
		for _, c := range []byte(a) {
			if c < 0x21 || c > 0x7e || 'A' <= c && c <= 'Z' {
				t.Fatalf("%q contains byte %#x", a, c)
			}
		}
		if twice, ok := account.NormalizeLogin(a); !ok || twice != a {
			t.Fatalf("%q: normalized again, got %q", a, twice)
		}
		for _, table := range []store.TableDef{store.Addresses, store.Placeholders} {
			if err := store.CheckKey(table.Prefix + store.Escape(a)); err != nil {
				t.Fatalf("%q: %v", a, err)
			}
		}
		if isASCII := strings.IndexFunc(typed, func(r rune) bool { return r > 0x7e }) < 0; isASCII && strings.Trim(strings.ToLower(typed), " \t\r\n\v\f") != a {
			t.Fatalf("%q: got %q", typed, a)
		}
	})
}
