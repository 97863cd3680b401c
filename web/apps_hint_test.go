package web_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

func TestLoginHint_FillsTheFieldAsText(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	b := p.browser(t)
	page := func(hint string) string {
		t.Helper()
		return b.shows(b.get(a.begin(oauth2.GenerateVerifier(), "login_hint", hint)).next()).body
	}
	field := func(body string) string {
		t.Helper()
		_, rest, ok := strings.Cut(body, `name="identifier"`)
		tag, _, closed := strings.Cut(rest, ">")
		if !ok || !closed {
			t.Fatalf("no field on the page: %.300s", body)
		}
		_, value, _ := strings.Cut(tag, `value="`)
		value, _, _ = strings.Cut(value, `"`)
		return html.UnescapeString(value)
	}
	for hint, want := range map[string]string{
		" lea@garage.example ":        "lea@garage.example",
		`"><script>alert(1)</script>`: `"><script>alert(1)</script>`,
		"lea\u202egarage":             "",
		"two\nlines":                  "",
		strings.Repeat("x", 255):      "",
	} {
		body := page(hint)
		if got := field(body); got != want {
			t.Errorf("%q: got %q in the field, want %q", hint, got, want)
		}
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%q became a part of the page", hint)
		}
	}
	if got := field(b.shows("/login?login_hint=lea@garage.example").body); got != "" {
		t.Errorf("without an application: got %q in the field", got)
	}
	u, phone, _ := p.Member("lea@garage.example", nil)
	next := b.get(a.begin(oauth2.GenerateVerifier(), "login_hint", "paul@garage.example")).next()
	b.signIn("lea@garage.example", phone)
	if res := b.get(next); res.StatusCode != http.StatusSeeOther || u.Login != "lea@garage.example" {
		t.Errorf("another user than the hint names: got %d", res.StatusCode)
	}
}

func TestUILocales_ApplyUnlessTheUserChose(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	speaks := func(b *browser, lang, what, locales string) {
		t.Helper()
		if body := b.get(b.get(a.begin(oauth2.GenerateVerifier(), "ui_locales", locales)).next()).body; !strings.Contains(body, `<html lang="`+lang+`"`) {
			t.Errorf("%s: got %.60s, want %s", what, body, lang)
		}
	}
	french := func() *browser {
		b := p.browser(t)
		b.header.Set("Accept-Language", "fr")
		return b
	}
	speaks(french(), "en", "a language of the service", "en")
	speaks(french(), "en", "a region of a language of the service, after another language", "de-CH en-GB fr")
	speaks(french(), "fr", "no language of the service", "de zz \"><b>")
	chosen := french()
	chosen.post("/language", "lang", "fr", "at", "/login")
	speaks(chosen, "fr", "the person chose before", "en")
	const cookie = "__Host-barillet-lang"
	if chosen.cookie(cookie) != "fr" {
		t.Errorf("the choice became %q", chosen.cookie(cookie))
	}
	_, _, in := signedIn(p, "lea@garage.example")
	if in.get(a.begin(oauth2.GenerateVerifier(), "ui_locales", "en")); in.cookie(cookie) != "" {
		t.Error("a signed-in user got another language")
	}
}
