package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"

	"golang.org/x/oauth2"
)

// destination is a page that a user was going to when the sign-in began.
const destination = "/help/request?topic=other"

// withNext returns a path that keeps destination.
func withNext(path string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + "next=" + url.QueryEscape(destination)
}

// sends posts the form of a page whose action begins with path; the browser has the page from the address at.
func (b *browser) sends(to, at, path string, fields ...string) {
	b.t.Helper()
	found := regexp.MustCompile(`action="(` + regexp.QuoteMeta(path) + `(?:\?[^"]*)?)"`).FindStringSubmatch(b.shows(at).body)
	if found == nil {
		b.t.Fatalf("the page %s has no form for %s", at, path)
	}
	b.goes(to, html.UnescapeString(found[1]), fields...)
}

// linkTo returns the address, with its query, of the link to path on the page at an address.
func (b *browser) linkTo(at, path string) string {
	b.t.Helper()
	found := regexp.MustCompile(`href="(` + regexp.QuoteMeta(path) + `\?[^"]*)"`).FindStringSubmatch(b.shows(at).body)
	if found == nil {
		b.t.Fatalf("the page %s has no link to %s", at, path)
	}
	return html.UnescapeString(found[1])
}

// enrolsPhone chooses and enrols a phone by the forms that the pages show from the address at.
func (p *place) enrolsPhone(b *browser, to, at string) *authntest.Phone {
	p.T.Helper()
	b.sends(withNext("/enrol/phone"), at, "/enrol/begin", "kind", "totp", "app", "okta")
	page := withNext("/enrol/phone")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(p.T, b.shows(page).body)}
	b.sends(to, page, "/enrol/phone", "name", "Nouveau", "code", string(phone.Code()))
	return phone
}

// savesCodesThen confirms the recovery codes that the page at destination's enrolment shows.
func (b *browser) savesCodesThen(to string) {
	b.t.Helper()
	list := regexp.MustCompile(`name="list" value="([^"]*)"`).FindStringSubmatch(b.shows(withNext("/enrol/recovery")).body)
	if list == nil {
		b.t.Fatal("the page names no list of codes")
	}
	b.sends(to, withNext("/enrol/recovery"), "/enrol/recovery", "kept", "yes", "list", list[1])
}

// waitsForTicket signs in on the way to destination, up to the ticket, and types it.
func (p *place) waitsForTicket(b *browser, id account.UserID) {
	p.T.Helper()
	code, err := p.ticket(id)
	if err != nil {
		p.T.Fatal(err)
	}
	b.goes(withNext("/login/ticket"), "/login", "identifier", amelie, "password", authntest.Password, "next", destination)
	b.sends(withNext("/enrol"), withNext("/login/ticket"), "/login/ticket", "ticket", code.Reveal())
}

func TestEnrolment_TicketLeadsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	b := p.browser(t)
	p.waitsForTicket(b, u.ID)
	p.enrolsPhone(b, withNext("/enrol/second"), withNext("/enrol"))
	b.sends(withNext("/enrol/recovery"), withNext("/enrol/second"), "/enrol/later")
	b.savesCodesThen(destination)
}

func TestEnrolment_SecondDeviceLeadsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	b := p.browser(t)
	p.waitsForTicket(b, u.ID)
	p.enrolsPhone(b, withNext("/enrol/second"), withNext("/enrol"))
	another := b.linkTo(withNext("/enrol/second"), "/enrol")
	b.sends(withNext("/enrol/token"), another, "/enrol/begin", "kind", "hotp")
	back := b.linkTo(withNext("/enrol/token"), "/enrol")
	p.Clock.Advance(time.Minute)
	p.enrolsPhone(b, withNext("/enrol/recovery"), back)
	b.savesCodesThen(destination)
}

func TestEnrolment_ReachesTheApplicationAfterATicket(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, _, _ := p.Member(amelie, nil)
	code, err := p.ticket(u.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser(t)
	login := b.get(a.begin(oauth2.GenerateVerifier())).next()
	next, _ := url.ParseQuery(strings.TrimPrefix(login, "/login?"))
	then := "?next=" + url.QueryEscape(next.Get("next"))
	b.goes("/login/ticket"+then, "/login", "identifier", amelie, "password", authntest.Password, "next", next.Get("next"))
	b.goes("/enrol"+then, "/login/ticket"+then, "ticket", code.Reveal())
	b.goes("/enrol/phone"+then, "/enrol/begin"+then, "kind", "totp", "app", "okta")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone"+then).body)}
	b.goes("/enrol/second"+then, "/enrol/phone"+then, "name", "Nouveau", "code", string(phone.Code()))
	if got := b.shows("/account" + then).body; !strings.Contains(got, "Continue to Planning") {
		t.Error("the account page does not lead on to the application")
	}
	if got := b.shows(next.Get("next")).body; !strings.Contains(got, `href="https://app.example/cb?from=test&amp;code=`) {
		t.Error("the page that the enrolment leads to does not lead to the application")
	}
}

func TestEnrolment_RequiredPasswordLeadsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })
	b := p.browser(t)
	p.waitsForTicket(b, u.ID)
	p.enrolsPhone(b, withNext("/login/password"), withNext("/enrol"))
	b.sends(withNext("/enrol/second"), withNext("/login/password"), "/login/password", "password", "clef de treize et marteau")
	b.sends(withNext("/enrol/recovery"), withNext("/enrol/second"), "/enrol/later")
	b.savesCodesThen(destination)
}

// After a recovery code the account page asks which device is lost, and then leads on.
func TestEnrolment_RecoveryCodeAsksForTheLostPhoneAndLeadsOn(t *testing.T) {
	p, in, phone := member(t)
	in.proves("/account/recovery", phone)
	in.goes("/enrol/recovery", "/account/recovery")
	codes := in.savesCodes()
	lost := "/account/devices/" + p.idOf("Téléphone") + "/remove"
	p.Clock.Advance(time.Hour)

	b := p.browser(t)
	b.goes(withNext("/login/factor"), "/login", "identifier", amelie, "password", authntest.Password, "next", destination)
	b.sends(withNext("/enrol?done=recovery_used"), withNext("/login/recovery"), "/login/factor/recovery", "code", codes[0])
	if got := b.linkTo(b.linkTo(withNext("/enrol"), "/account"), destination[:strings.Index(destination, "?")]); got != destination {
		t.Errorf("without a new device the account page leads to %q, want %q", got, destination)
	}
	added := p.enrolsPhone(b, withNext("/account?done=device_added"), withNext("/enrol"))
	asked := withNext("/account?done=device_added")
	if got := b.linkTo(asked, "/help/request"); got != destination {
		t.Errorf("the account page leads to %q, want %q", got, destination)
	}
	remove := b.linkTo(asked, lost)
	prove := b.get(remove).next()
	if got := b.linkTo(prove, "/account"); got != withNext("/account") {
		t.Errorf("the step-up leads back to %q, want the account page that leads on", got)
	}
	b.goes(remove, "/account/prove", "code", string(added.Next()), "next", remove)
	b.sends(withNext("/account?done=device_removed"), remove, lost)
	if got := b.linkTo(withNext("/account?done=device_removed"), "/help/request"); got != destination {
		t.Errorf("after the removal the account page leads to %q, want %q", got, destination)
	}
}

// A user who was going to the account page arrives there, and it does not lead to itself.
func TestEnrolment_AccountPageDoesNotLeadToItself(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	code, err := p.ticket(u.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser(t)
	b.goes("/login/ticket?next=%2Faccount", "/login", "identifier", amelie, "password", authntest.Password, "next", "/account")
	b.goes("/enrol", "/login/ticket?next=%2Faccount", "ticket", code.Reveal())
	if got := b.get("/account"); got.next() != "/login?next=%2Faccount" {
		t.Errorf("without a session: got %q, want the sign-in", got.next())
	}
	_, in, _ := member(t)
	if got := in.shows("/account?next=%2Faccount").body; strings.Contains(got, ">Continue<") {
		t.Error("the account page leads to itself")
	}
}

// An enrolment that waits for a step-up, or took too long, keeps where the user was going.
func TestEnrolment_StepUpAndLunchKeepWhereTheUserWasGoing(t *testing.T) {
	p, b, phone := member(t)
	begin := "/enrol/begin?app=okta&kind=totp&next=" + url.QueryEscape(destination)
	for _, c := range []struct {
		got  page
		next string
	}{
		{b.get(withNext("/enrol")), withNext("/enrol")},
		{b.post(withNext("/enrol/begin"), "kind", "totp", "app", "okta"), begin},
	} {
		if want := "/account/prove?next=" + url.QueryEscape(c.next); c.got.next() != want {
			t.Errorf("without a step-up: got %q, want %q", c.got.next(), want)
		}
	}
	b.goes(withNext("/enrol/phone"), "/account/prove", "code", string(phone.Next()), "next", begin)
	p.Clock.Advance(11 * time.Minute)
	b.goes(withNext("/enrol?again=ceremony_gone"), withNext("/enrol/phone"), "name", "Nouveau", "code", "000000")

	long := "/help?" + strings.Repeat("x", 4085)
	if got := b.get("/enrol?next=" + url.QueryEscape(long)).next(); got != "/account/prove?next="+url.QueryEscape("/enrol") {
		t.Errorf("with a long path: got %.60q, want the step-up for the enrolment alone", got)
	}
}

// A page of an enrolment shows its fault, and the language, with where the user was going.
func TestEnrolment_WrongCodeAndLanguageKeepWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	b := p.browser(t)
	p.waitsForTicket(b, u.ID)
	b.sends(withNext("/enrol/phone"), withNext("/enrol"), "/enrol/begin", "kind", "totp", "app", "okta")
	got := b.post(withNext("/enrol/phone"), "name", "Nouveau", "code", "000000")
	form, path := html.EscapeString(withNext("/enrol/phone")), html.EscapeString(withNext("/enrol/phone"))
	if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `action="`+form+`"`) || !strings.Contains(got.body, `name="at" value="`+path+`"`) {
		t.Errorf("a wrong code: got %d, and a page that does not keep the path", got.StatusCode)
	}
}

// Only a path of the service is where an enrolment leads.
func TestAttack_EnrolmentLeadsToAnotherSite(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	p.Clock.Advance(time.Minute)
	for _, evil := range []string{"https://thief.example/", "//thief.example/", `/\thief.example/`} {
		for _, path := range []string{"/account", "/enrol", "/enrol/second", "/account/add", "/account/recovery"} {
			page := b.shows(path + "?next=" + url.QueryEscape(evil)).body
			for _, link := range regexp.MustCompile(`(?:href|action)="[^"]*"`).FindAllString(page, -1) {
				if strings.Contains(link, "thief") {
					t.Errorf("%s leads to %s by %s", path, evil, link)
				}
			}
		}
		if got := b.post("/enrol/later?next=" + url.QueryEscape(evil)).next(); strings.Contains(got, "thief") {
			t.Errorf("later leads to %s", got)
		}
	}
}

func TestEnrolment_KeyLeadsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	b := p.browser(t)
	p.waitsForTicket(b, u.ID)
	b.sends(withNext("/enrol/key"), withNext("/enrol"), "/enrol/begin", "kind", "webauthn")
	page := b.shows(withNext("/enrol/key")).body
	post := withNext("/enrol/key")
	if !strings.Contains(page, `data-post="`+html.EscapeString(post)+`"`) {
		t.Error("the script of the page posts to an address without the path")
	}
	answer := newYubikey(p).made(t, page)
	if status, next, problem := b.script(post, `{"name":"Trousseau","answer":`+answer+`}`); status != http.StatusOK || next != withNext("/enrol/second") {
		t.Errorf("the key: got %d to %q, %q", status, next, problem)
	}
}
