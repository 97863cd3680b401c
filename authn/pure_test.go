package authn_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

func TestAddress(t *testing.T) {
	tests := []struct{ name, typed, address, mail string }{
		{"plain", "lea@atelier.example", "lea@atelier.example", "lea@atelier.example"},
		{"capitals and blanks around", " \tLea@Atelier.EXAMPLE\r\n", "lea@atelier.example", "lea@atelier.example"},
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
		{"a blank within", "lea @c.example", "", ""},
		{"a dotless i", "mıke@c.example", "", ""},
		{"a Kelvin sign", "mi\u212ae@c.example", "", ""},
		{"a long s", "ſam@c.example", "", ""},
		{"a full-width at", "lea＠c.example", "", ""},
		{"a blank of no width", "lea\u200b@c.example", "", ""},
		{"NUL", "lea\x00@c.example", "", ""},
		{"a quoted local part", `"lea"@c.example`, "", ""},
		{"another recipient", "lea@c.example,eve@d.example", "", ""},
		{"a line of SMTP", "lea@c.example\r\nRCPT TO:<eve@d.example>", "", ""},
		{"angle brackets", "<lea@c.example>", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := account.NormalizeLogin(test.typed); got != test.address || ok != (test.address != "") {
				t.Errorf("address: got %q, %v, want %q", got, ok, test.address)
			}
			if got, ok := account.NormalizeEmail(test.typed); got != test.mail || ok != (test.mail != "") {
				t.Errorf("mail address: got %q, %v, want %q", got, ok, test.mail)
			}
		})
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"lea@atelier.example", " LEA@ATELIER.EXAMPLE ", "a%2fb@c.example", "ıKſ＠\u200b\x00", strings.Repeat("/", 254)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, ok := account.NormalizeLogin(typed)
		if !ok && a != "" {
			t.Fatalf("refused, yet gave %q", a)
		}
		m, mailable := account.NormalizeEmail(typed)
		if mailable && m != a || !mailable && m != "" {
			t.Fatalf("%q: address %q, mail address %q", typed, a, m)
		}
		if !ok {
			return
		}
		for _, c := range []byte(a) {
			if c < 0x21 || c > 0x7e || 'A' <= c && c <= 'Z' {
				t.Fatalf("%q holds byte %#x", a, c)
			}
		}
		if again, ok := account.NormalizeLogin(a); !ok || again != a {
			t.Fatalf("%q becomes %q", a, again)
		}
		if err := store.CheckKey(store.Addresses.Prefix + store.Escape(a)); err != nil {
			t.Fatalf("%q: %v", a, err)
		}
		if strings.Trim(strings.ToLower(typed), " \t\r\n") != a {
			t.Fatalf("%q was taken for %q", typed, a)
		}
	})
}

func FuzzPresentCode(f *testing.F) {
	h := newHouse(f)
	u, _, _ := h.Member(amelie, nil)
	_, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	f.Add(code.Reveal())
	f.Add(strings.ToLower(code.Reveal()))
	f.Add("OOOO-IILL")
	f.Add("\x00‐–‑\u00a0\xff")
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 0x20 && r < 0x7f && r != '-' {
				return r
			}
			return -1
		}, strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s)))
	}
	f.Fuzz(func(t *testing.T, typed string) {
		h.t, h.T = t, t
		if len(typed) > 1<<10 {
			return
		}
		h.Clock.Advance(61 * time.Minute / 10) // ten an hour are judged
		if h.Clock.Now().After(h.User(string(u.ID)).Tickets[0].Expires.Add(-time.Hour)) {
			h.Change(u.ID, func(u *account.User) { u.Tickets[0].Expires = h.Clock.Now().Add(account.TicketTTL) })
		}
		login := h.password(h.From, amelie).Secret
		_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, typed)
		if err == nil && plain(typed) != plain(code.Reveal()) {
			t.Fatalf("%q was taken for the code", typed)
		}
		if err != nil && errcode.Of(err) != errcode.InvalidTicket {
			t.Fatalf("%q: %v", typed, err)
		}
		if err != nil && typed == code.Reveal() {
			t.Fatalf("the code itself was refused: %v", err)
		}
	})
}

func TestASecretPrintsNothingOfItself(t *testing.T) {
	s := secret.From("mot-de-passage")
	raw, err := json.Marshal(map[string]any{"s": s, "p": &s})
	do(t, err, "encoding")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", struct{ S secret.Value }{s})
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v", struct{ S secret.Value }{s}),
		fmt.Sprintf("%v %+v %#v", struct{ s secret.Value }{s}, struct{ s secret.Value }{s}, &struct{ s []secret.Value }{[]secret.Value{s}}),
		string(raw), log.String(), fmt.Errorf("with %v", s).Error()} {
		if strings.Contains(printed, "passage") || strings.Contains(printed, fmt.Sprintf("%x", "passage")) {
			t.Errorf("printed as %s", printed)
		}
	}
	if a, b := secret.New(), secret.New(); a.Equal(b) || len(a.Reveal()) != 43 {
		t.Error("two secrets are the same, or short")
	}
}

func TestDeviceName(t *testing.T) {
	tests := []struct{ name, typed, want, reason string }{
		{"plain", "Téléphone de Léa", "Téléphone de Léa", ""},
		{"blanks around", "  Clé  ", "Clé", ""},
		{"64 characters of two bytes", strings.Repeat("é", 64), strings.Repeat("é", 64), ""},
		{"65", strings.Repeat("é", 65), "", "too_long"},
		{"a line end", "a\nb", "", "control"},
		{"text that runs backward", "a\u202eb", "", "control"},
		{"no UTF-8", "a\xffb", "", "control"},
		{"empty", " ", "", "empty"},
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

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                    "Firefox, Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":               "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"curl/8.5.0": "", "": "",
	} {
		if got := account.DescribeUserAgent(agent); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

func TestRanksGoUpAndAnUnknownRoleIsNobody(t *testing.T) {
	last := 0
	for _, r := range []account.Role{account.RoleReadOnly, account.RoleHelpDesk, account.RoleUserAdmin, account.RoleSuperAdmin} {
		if r.Rank() <= last {
			t.Errorf("%s has rank %d", r, r.Rank())
		}
		last = r.Rank()
	}
	if got := account.Role("EMPEROR").Rank(); got >= 0 {
		t.Errorf("got rank %d", got)
	}
}
