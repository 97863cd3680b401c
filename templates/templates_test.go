package templates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/factors"
	"barillet/factors/totp"
	"barillet/internal/notice"
	"barillet/templates"
)

func open(t testing.TB) *templates.Renderer {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatalf("zone data are missing (install tzdata): %v", err)
	}
	r, err := templates.New(templates.Brand{
		URL: "https://login.garage.example", Zone: paris,
		Support: templates.Support{Email: "aide@garage.example", Phone: "+33 1 23 45 67 89"},
	}, func(name string) string { return "/static/" + name })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// render returns a page and fails the test if rendering fails.
func render(t testing.TB, r *templates.Renderer, p templates.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Page(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage_RendersEachSampleInEachLanguage(t *testing.T) {
	r := open(t)
	for _, lang := range templates.Languages() {
		for _, s := range templates.Gallery(lang) {
			t.Run(lang+"/"+s.Name, func(t *testing.T) {
				out := render(t, r, s.Page)
				for _, bad := range []string{"<no value>", "{{", "%!", "ZgotmplZ", "[[", "&lt;nil"} {
					if strings.Contains(out, bad) {
						t.Errorf("page contains %q", bad)
					}
				}
				if want := `<html lang="` + lang + `">`; !strings.Contains(out, want) {
					t.Errorf("page lacks %s", want)
				}
				if got := strings.Count(out, "<h1"); got != 1 {
					t.Errorf("got %d h1, want 1", got)
				}
			})
		}
	}
}

var (
	inlineStyle  = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:`)
	inlineScript = regexp.MustCompile(`(?i)<script([^>]*)>`)
	outside      = regexp.MustCompile(`(?i)(?:src|href|action|srcset)="((?:https?:)?//[^"]*)"`)
	input        = regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	attr         = func(tag, name string) string {
		m := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return m[1]
	}
)

func TestPage_ContainsNoInlineScriptStyleOrForeignURL(t *testing.T) {
	r := open(t)
	for _, s := range templates.Gallery("fr") {
		out := render(t, r, s.Page)
		if m := inlineStyle.FindString(out); m != "" {
			t.Errorf("%s: inline style or handler %q", s.Name, m)
		}
		for _, m := range inlineScript.FindAllStringSubmatch(out, -1) {
			if !strings.Contains(m[1], "src=") && !strings.Contains(m[1], `type="application/json"`) {
				t.Errorf("%s: inline script %q", s.Name, m[0])
			}
		}
		for _, m := range outside.FindAllStringSubmatch(out, -1) {
			demo, application := strings.HasPrefix(m[1], "http://localhost:8080/"), strings.HasPrefix(m[1], "https://wiki.garage.example/")
			if !demo && !application { // the link in a demonstration email, and the target of Continue
				t.Errorf("%s: outside address %q", s.Name, m[1])
			}
		}
	}
}

// Each form that changes something names the user for whom its page was rendered.
func TestPage_EachFormNamesItsUser(t *testing.T) {
	r := open(t)
	form := regexp.MustCompile(`<form [^>]*method="?post[^>]*>(<input type="hidden" name="subject" value="u1.abc">)?`)
	for _, s := range templates.Gallery("fr") {
		page := reflect.New(reflect.TypeOf(s.Page)).Elem()
		page.Set(reflect.ValueOf(s.Page))
		page.FieldByName("Base").FieldByName("SubjectToken").SetString("u1.abc")
		out := render(t, r, page.Interface().(templates.Page))
		if !strings.Contains(out, `<body data-subject="u1.abc"`) {
			t.Errorf("%s: the scripts of the page do not know its user", s.Name)
		}
		for _, m := range form.FindAllStringSubmatch(out, -1) {
			if m[1] == "" {
				t.Errorf("%s: no user in %s", s.Name, m[0])
			}
		}
	}
}

func TestPage_LabelsEachField(t *testing.T) {
	r := open(t)
	for _, s := range templates.Gallery("en") {
		out := render(t, r, s.Page)
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\bid="([^"]+)"`).FindAllStringSubmatch(out, -1) {
			if ids[m[1]] {
				t.Errorf("%s: id %q is not unique", s.Name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`\bform="([^"]*)"`).FindAllStringSubmatch(out, -1) {
			if !ids[m[1]] {
				t.Errorf("%s: a button sends the form %q, which is not there", s.Name, m[1])
			}
		}
		for _, tag := range input.FindAllString(out, -1) {
			switch kind := attr(tag, "type"); {
			case kind == "hidden" || strings.Contains(tag, "aria-label="):
			case kind == "checkbox":
				if !strings.Contains(out, `<label class="tick">`+tag) {
					t.Errorf("%s: no label around %s", s.Name, tag)
				}
			case !strings.Contains(out, `<label for="`+attr(tag, "id")+`"`):
				t.Errorf("%s: no label for %s", s.Name, tag)
			}
			for _, id := range strings.Fields(attr(tag, "aria-describedby")) {
				if !ids[id] {
					t.Errorf("%s: %s is described by %q, which is not there", s.Name, tag, id)
				}
			}
		}
	}
}

func TestPage_EscapesInput(t *testing.T) {
	r := open(t)
	evil := `"><script>alert(1)</script>`
	for _, p := range []templates.Page{
		templates.Login{Identifier: evil, Base: templates.Base{Path: evil, Lang: evil}},
		templates.HelpRequest{Email: evil, Message: "</textarea>" + evil},
		templates.Invite{Token: evil, Inviter: evil, Group: evil, Login: evil},
		templates.Setup{Token: evil, Email: evil, First: evil, Last: evil},
		templates.AddSecondDevice{DeviceName: evil},
		templates.Factor{Method: "key", KeyOptions: json.RawMessage(`{"a":"</script><script>alert(1)</script>"}`)},
	} {
		if out := render(t, r, p); strings.Contains(out, "<script>alert") {
			t.Errorf("%T: not escaped", p)
		}
	}
}

func TestPage_ShowsWaitInSecondsOrMinutes(t *testing.T) {
	r := open(t)
	for _, c := range []struct {
		wait time.Duration
		want string
	}{
		{500 * time.Millisecond, "in 1 second."},
		{30 * time.Second, "in 30 seconds."},
		{2 * time.Minute, "in 2 minutes."},
		{121 * time.Second, "in 3 minutes."},
		{15 * time.Minute, "in 15 minutes."},
	} {
		out := render(t, r, templates.Failure{Base: templates.Base{Lang: "en"}, Status: 429, Wait: c.wait})
		if !strings.Contains(out, c.want) {
			t.Errorf("%v: page lacks %q", c.wait, c.want)
		}
	}
}

func TestMatch_PrefersChosenThenHeaderThenDefault(t *testing.T) {
	for _, c := range []struct{ accept, chosen, def, want string }{
		{"fr", "en", "fr", "en"},
		{"fr-CA,fr;q=0.9,en;q=0.5", "", "en", "fr"},
		{"en-GB", "", "fr", "en"},
		{"de-AT", "", "fr", "fr"},
		{"de-AT", "", "en", "en"},
		{"br", "", "en", "fr"}, // Breton readers read French
		{"", "", "en", "en"},
		{"", "tlh", "xx", "fr"},
		{"*;q=,,,", "", "en", "en"},
	} {
		if got := templates.Match(c.accept, c.chosen, c.def); got != c.want {
			t.Errorf("Match(%q, %q, %q): got %q, want %q", c.accept, c.chosen, c.def, got, c.want)
		}
	}
}

// What the first default language remembers does not decide for the other, and a flood of headers changes no answer.
func TestMatch_AgainAndAfterOtherHeaders(t *testing.T) {
	for range 2 {
		for def, want := range map[string]string{"fr": "fr", "en": "en"} {
			if got := templates.Match("de-AT", "", def); got != want {
				t.Errorf("Match of de-AT with the default %q: got %q", def, got)
			}
			if got := templates.Match("fr-CH, en;q=0.5", "", def); got != "fr" {
				t.Errorf("Match of fr-CH with the default %q: got %q", def, got)
			}
		}
		for i := range 1000 {
			if got := templates.Match(fmt.Sprintf("en;q=0.%03d", i), "", "fr"); got != "en" && i > 0 {
				t.Fatalf("header %d: got %q", i, got)
			}
		}
	}
}

func FuzzMatch_ReturnsASupportedLanguage(f *testing.F) {
	f.Add("fr-CA,fr;q=0.9,en;q=0.5", "")
	f.Add("de-AT-u-rg-atzzzz", "en")
	f.Fuzz(func(t *testing.T, accept, chosen string) {
		if got := templates.Match(accept, chosen, "fr"); !slices.Contains(templates.Languages(), got) {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzDecodeNotice_ReturnsTheNamedKind(f *testing.F) {
	for _, m := range templates.GalleryMails() {
		raw, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Name(), raw)
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		m, err := templates.DecodeNotice(name, raw)
		if err != nil && m != nil {
			t.Error("a failed parse returned a notice")
		}
		if err == nil && m.Name() != name {
			t.Errorf("got %q, want %q", m.Name(), name)
		}
	})
}

func TestMail_ComposesEachDecodedNotice(t *testing.T) {
	r := open(t)
	for _, lang := range templates.Languages() {
		for _, m := range templates.GalleryMails() {
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			back, err := templates.DecodeNotice(m.Name(), raw)
			if err != nil || !reflect.DeepEqual(back, m) {
				t.Errorf("got %+v, %v, want %+v", back, err, m)
			}
			subject, text, html, err := r.Mail(lang, back)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{subject, text, html} {
				if part == "" || strings.Contains(part, "<no value>") || strings.Contains(part, "{{") || strings.Contains(part, "ZgotmplZ") {
					t.Errorf("%s in %s: bad text: %q", m.Name(), lang, part)
				}
			}
			if strings.Contains(subject, "\n") || strings.Contains(html, "<img") || strings.Contains(html, "<link") || strings.Contains(html, "src=") {
				t.Errorf("%s: a mail loads something, or its subject has a second line", m.Name())
			}
			for line := range strings.SplitSeq(text, "\n") {
				if len([]rune(line)) > 76 && !strings.HasPrefix(line, "http") {
					t.Errorf("%s in %s: line too long: %q", m.Name(), lang, line)
				}
			}
		}
	}
}

func TestMail_RemovesLineBreaksFromNames(t *testing.T) {
	r := open(t)
	subject, _, html, err := r.Mail("en", notice.UserDevicesReset{User: "A\r\nBcc: x@y.example", By: "<b>me</b>"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(subject, "\r\n") || strings.Contains(html, "<b>me") {
		t.Errorf("got %q, %q", subject, html)
	}
}

func TestMail_KeepsFrenchPunctuationWithItsWord(t *testing.T) {
	_, text, _, err := open(t).Mail("fr", notice.DevicesReset{Link: "https://login.garage.example/ticket/abc", Code: "K7QM-4T9X"})
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`[ \n][:;?!»]`).FindString(text); m != "" || !strings.Contains(text, "\u00a0:") {
		t.Errorf("a sign stands apart (%q) in %q", m, text)
	}
}

func TestMail_ShowsTimesInTheConfiguredZone(t *testing.T) {
	r := open(t)
	for lang, want := range map[string]string{"fr": "1er mars 2026 à 10:41 (CET)", "en": "1 March 2026 at 10:41 (CET)"} {
		_, text, _, err := r.Mail(lang, notice.NewBrowser{Context: notice.Context{At: time.Date(2026, 3, 1, 9, 41, 0, 0, time.UTC)}})
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("got %q, %v, want %q in it", text, err, want)
		}
	}
}

func TestReadScan_ReadsTheViewOfATOTPEnrolment(t *testing.T) {
	prompt, _, err := totp.TOTP{}.BeginEnrol(time.Unix(0, 0), factors.Subject{Login: "a@b.example", Issuer: "Barillet"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := templates.ReadScan(prompt.View)
	if err != nil {
		t.Fatal(err)
	}
	out := render(t, open(t), templates.Enrol{Slug: "phone", View: scan})
	for _, want := range []string{strings.ReplaceAll(`href="`+scan.URI, "&", "&amp;"), scan.QR.Path, strings.Join(scan.Groups(), "</span> <span>")} {
		if !strings.Contains(out, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for _, view := range []any{nil, 1, struct{}{}, map[string]string{"uri": "javascript:alert(1)", "secret": "A"}, func() {}} {
		if got, err := templates.ReadScan(view); err == nil || got != (templates.Scan{}) {
			t.Errorf("%v: got %+v, %v", view, got, err)
		}
	}
}

func TestPage_RejectsAnIncompleteView(t *testing.T) {
	r := open(t)
	for slug, view := range map[string]any{"recovery": map[string]any{"other": 1}, "phone": map[string]any{}, "token": nil} {
		var b bytes.Buffer
		if err := r.Page(&b, templates.Enrol{Slug: slug, View: view}); err == nil || b.Len() != 0 {
			t.Errorf("%s: got %v and %d bytes, want an error and nothing", slug, err, b.Len())
		}
	}
	if err := r.CheckKind("phone", "name", "title", "text", "full", "ask", "ask_many"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{r.CheckKind("none"), r.CheckKind("key", "ask")} {
		if err == nil {
			t.Error("a kind without page or sentences is accepted")
		}
	}
}

func TestDecodeNotice_RejectsUnknownKind(t *testing.T) {
	if m, err := templates.DecodeNotice("no_such", []byte(`{}`)); err == nil || m != nil {
		t.Errorf("got %v, %v", m, err)
	}
}

func BenchmarkLoginPage(b *testing.B) {
	r := open(b)
	for b.Loop() {
		if err := r.Page(&bytes.Buffer{}, templates.Login{Base: templates.Base{Lang: "fr"}}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLanguageOf_KnowsTagsAndLocales(t *testing.T) {
	for tag, want := range map[string]string{"fr": "fr", "fr-CA": "fr", "FR_ca": "fr", "en-Latn-GB": "en", "de": "", "frx": "", "": "", "-fr": ""} {
		if got := templates.LanguageOf(tag); got != want {
			t.Errorf("%q: got %q, want %q", tag, got, want)
		}
	}
	if !templates.IsLanguage("fr") || templates.IsLanguage("FR") || templates.IsLanguage("") {
		t.Error("only the exact name is a language")
	}
}
