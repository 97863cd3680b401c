package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

// said is all of an answer that an unauthenticated client can compare, without what differs between any two answers, and
// with the address typed put away.
func said(p page, typed string) string {
	var lines []string
	for name, values := range p.Header {
		if name != "X-Request-Id" && name != "Date" && name != "Content-Length" { // the last counts what was typed
			lines = append(lines, name+": "+strings.Join(values, "|"))
		}
	}
	slices.Sort(lines)
	out := fmt.Sprintf("%d\n%s\n\n%s", p.StatusCode, strings.Join(lines, "\n"), p.body)
	out = regexp.MustCompile(`\bH-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b`).ReplaceAllString(out, "H-X")
	out = regexp.MustCompile(`barillet-request=[^;]*`).ReplaceAllStringFunc(out, func(value string) string { return fmt.Sprintf("a cookie of %d characters", len(value)) })
	return strings.ReplaceAll(out, typed, "TYPED")
}

func TestEnumeration_KnownAndUnknownLoginsGetTheSameBytes(t *testing.T) {
	const unknown, suspended, bare = "nobody.knows@garage.example", "suspended@garage.example", "bare@garage.example"
	p := open(t, nil)
	p.Member(amelie, nil)
	out, _, _ := p.Member(suspended, nil)
	p.Change(out.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	stuck, _, _ := p.Member(bare, nil)
	p.Change(stuck.ID, func(u *account.User) { u.Devices = nil })

	for name, ask := range map[string]func(b *browser, who string) page{
		"a wrong password": func(b *browser, who string) page { return b.post("/login", "identifier", who, "password", "wrong") },
		"a password too long": func(b *browser, who string) page {
			return b.post("/login", "identifier", who, "password", strings.Repeat("x", 300))
		},
		"a wrong password at a link": func(b *browser, who string) page {
			return b.post("/ticket/none", "identifier", who, "password", "wrong")
		},
		"a forgotten password": func(b *browser, who string) page { return b.post("/forgot", "identifier", who) },
		"a request for help": func(b *browser, who string) page {
			return b.post("/help/request", "email", who, "topic", "phone_lost", "message", "Bonjour")
		},
	} {
		want := said(ask(p.browser(t), unknown), unknown)
		for _, who := range []string{amelie, suspended, bare} {
			if got := said(ask(p.browser(t), who), who); got != want {
				t.Errorf("%s of %s: the answer differs from that for an unknown login:\n%s\n\nwant\n%s", name, who, got, want)
			}
		}
	}
}

func TestEnumeration_WaitsAreEqual(t *testing.T) {
	p := open(t, nil)
	p.Member(amelie, nil)
	var answers []string
	for _, who := range []string{amelie, "nobody.knows@garage.example"} {
		b := p.browser(t)
		var last page
		for range 8 {
			last = b.post("/login", "identifier", who, "password", "wrong")
		}
		if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" || !strings.Contains(last.body, "data-countdown") {
			t.Errorf("the eighth wrong password of %s: got %d, want 429 with a time to come back", who, last.StatusCode)
		}
		for _, out := range []string{"choose a new password", "the browser in which you usually sign in", `href="/forgot"`, `href="/help"`} {
			if !strings.Contains(last.body, out) {
				t.Errorf("the page of %s does not name %s", who, out)
			}
		}
		answers = append(answers, said(last, who))
	}
	if answers[0] != answers[1] {
		t.Error("a wait reports whether the user exists")
	}
}

func TestFactor_WrongCodesMakeTheUserWaitButNotForAKey(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	var last page
	for range 8 {
		last = b.post("/login/factor", "code", "000000")
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("the eighth wrong code: got %d, want 429", last.StatusCode)
	}
	if got := b.post("/login/factor", "code", string(phone.Code())); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a right code within the wait: got %d, want 429", got.StatusCode)
	}
	if got := b.shows("/login/factor"); !strings.Contains(got.body, "data-countdown") {
		t.Error("the page does not count the wait down")
	}
}

func TestFactor_MalformedCodeIsReported(t *testing.T) {
	p := open(t, nil)
	p.Member(amelie, nil)
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	for _, code := range []string{"", "12345", "1234567", "+12345", "0x1234", "１２３４５", "12 34 5x"} {
		if got := b.post("/login/factor", "code", code); got.StatusCode != http.StatusUnauthorized || !strings.Contains(problemIn(got.body), "six digits") {
			t.Errorf("code %q: got %d %q, want 401 that names the six digits", code, got.StatusCode, problemIn(got.body))
		}
	}
}

func TestHelp_ReturnsAReference(t *testing.T) {
	p := open(t, nil)
	b := p.browser(t)
	b.shows("/help")
	if got := b.shows("/help/request?topic=key_lost"); !strings.Contains(got.body, `value="key_lost" selected`) {
		t.Error("the topic of the link is not chosen")
	}
	got := b.post("/help/request", "email", amelie, "topic", "key_lost", "message", "<b>Bonjour</b>\r\nTo: x@evil.example")
	if got.StatusCode != http.StatusSeeOther || !regexp.MustCompile(`^/help/sent\?reference=[A-Z0-9-]+$`).MatchString(got.next()) {
		t.Fatalf("got %d to %q %q, want a reference", got.StatusCode, got.next(), problemIn(got.body))
	}
	_, reference, _ := strings.Cut(got.next(), "=")
	if sent := b.shows(got.next()); !strings.Contains(sent.body, reference) {
		t.Error("the reference is missing")
	}
	for _, reference := range []string{"", "<b>", "a", strings.Repeat("A", 40), "Call 0900 now"} {
		if got := b.do("GET", "/help/sent?reference="+strings.ReplaceAll(reference, " ", "+"), "", ""); got.next() != "/help" {
			t.Errorf("reference %q: got %d, want to be passed over", reference, got.StatusCode)
		}
	}
	for field, fields := range map[string][]string{
		"no address":       {"email", "", "message", "x"},
		"a bad address":    {"email", "Ω@garage.example", "message", "x"},
		"a long message":   {"email", amelie, "message", strings.Repeat("x", 4001)},
		"an unknown topic": {"email", amelie, "topic", "free beer", "message", "x"},
	} {
		if got := b.post("/help/request", fields...); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", field, got.StatusCode)
		}
	}
}

// A browser that wrote about an address follows what time alone decides: neither its answers nor their order show whether a user
// has the address, whatever support does.
func TestEnumeration_ProgressOfARequestIsTheSameForKnownAndUnknownAddresses(t *testing.T) {
	const unknown = "nobody.knows@garage.example"
	p := open(t, nil)
	p.Member(amelie, nil)
	me := helpdesk.Me
	pages := map[string][]string{}
	for _, who := range []string{unknown, amelie} {
		b := p.browser(t)
		sees := func() { pages[who] = append(pages[who], said(b.shows("/help/request/progress"), who)) }
		sees()
		sent := b.post("/help/request", "email", who, "topic", "phone_lost", "message", "Bonjour")
		pages[who] = append(pages[who], said(sent, who))
		_, reference, _ := strings.Cut(sent.next(), "=")
		sees()
		patches := []helpdesk.RequestPatch{{Assignee: &me}, {Status: helpdesk.StateRejected}}
		if who == amelie {
			patches[1] = helpdesk.RequestPatch{Answer: "We call you.", Status: helpdesk.StateResolved}
		}
		for _, patch := range patches {
			if _, err := p.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, p.From, reference, patch); err != nil {
				t.Fatal(err)
			}
			sees()
		}
		if got := b.get("/help/request/progress").body; strings.Contains(got, who) || !strings.Contains(got, reference) || strings.Contains(got, "Bonjour") {
			t.Errorf("%s: the page should show the reference, and neither address nor message", who)
		}
		if got := p.browser(t).shows("/help/request/progress").body; strings.Contains(got, reference) {
			t.Errorf("%s: another browser follows the request", who)
		}
	}
	for i, want := range pages[unknown] {
		if got := pages[amelie][i]; got != want {
			t.Errorf("step %d differs:\n%s\n\nwant\n%s", i, got, want)
		}
	}
	if got := pages[amelie]; got[2] != got[3] || got[3] != got[4] {
		t.Error("what support does changes the page")
	}
}

func TestHelp_BrowserWithAProvenPasswordFollowsItsRequest(t *testing.T) {
	p := open(t, nil)
	p.Member(amelie, nil)
	b := p.browser(t)
	if got := b.shows("/help/request/progress"); !strings.Contains(got.body, "Nobody sent a request") {
		t.Error("the page does not say that there is none")
	}
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	sent := b.post("/help/request", "email", amelie, "topic", "phone_lost", "message", "Bonjour")
	_, reference, _ := strings.Cut(sent.next(), "=")
	c := cookies(sent)["__Host-barillet-request"]
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 30*24*60*60 || c.Domain != "" {
		t.Fatalf("got the cookie %v", c)
	}
	me := helpdesk.Me
	for _, c := range []struct {
		want  string
		patch helpdesk.RequestPatch
	}{{"it waits for support", helpdesk.RequestPatch{Note: "read"}}, {"Support works on it", helpdesk.RequestPatch{Assignee: &me}},
		{"It is answered", helpdesk.RequestPatch{Answer: "We call you.", Status: helpdesk.StateResolved}}} {
		if _, err := p.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, p.From, reference, c.patch); err != nil {
			t.Fatal(err)
		}
		if got := b.shows("/help/request/progress").body; !strings.Contains(got, reference) || !strings.Contains(got, c.want) {
			t.Errorf("the page lacks %q", c.want)
		}
	}
}
