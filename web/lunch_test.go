package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

// lunch is how long a page is left open.
const lunch = 2 * time.Hour

// leadsBack signs in at the page that a redirect leads to, and fails unless the sign-in ends at want.
func (b *browser) leadsBack(at page, login string, phone *authntest.Phone, want string) {
	b.t.Helper()
	if at.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at.next(), "/login?again=session_gone&next=") {
		b.t.Fatalf("got %d to %q, want the sign-in with its return path", at.StatusCode, at.next())
	}
	u, err := url.Parse(at.next())
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(b.shows(at.next()).body, "You waited too long") {
		b.t.Error("the page does not say why")
	}
	factor := b.post("/login", "identifier", login, "password", authntest.Password, "next", u.Query().Get("next"))
	if got := b.post(factor.next(), "code", string(phone.Next())); got.next() != want {
		b.t.Errorf("after the sign-in: got %d to %q, want %q", got.StatusCode, got.next(), want)
	}
}

func TestSecondStep_LeftOpenOverLunchStillLeadsWhereTheUserWasGoing(t *testing.T) {
	const to = "/account/add?x=1"
	for name, step := range map[string]func(b *browser, at string) page{
		"a code is typed":          func(b *browser, at string) page { return b.post(at, "code", "123456") },
		"the page is loaded again": func(b *browser, at string) page { return b.get(at) },
		"a recovery code is typed": func(b *browser, at string) page {
			return b.post(strings.Replace(at, "factor", "factor/recovery", 1), "code", "x")
		},
		"recovery is chosen": func(b *browser, at string) page { return b.get(strings.Replace(at, "factor", "recovery", 1)) },
		"the code of a ticket": func(b *browser, at string) page {
			return b.post(strings.Replace(at, "factor", "ticket", 1), "ticket", "ABCD-EFGH")
		},
		"a new ticket is requested": func(b *browser, at string) page { return b.post(strings.Replace(at, "factor", "ticket/renew", 1)) },
		"a new password is typed": func(b *browser, at string) page {
			return b.post(strings.Replace(at, "factor", "password", 1), "password", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, nil)
			_, phone, _ := p.Member(amelie, nil)
			b := p.browser(t)
			at := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", to).next()
			body := b.shows(at).body
			for _, wrong := range []string{`action="/login/factor"`, `href="/login/recovery"`, `href="/login"`} {
				if strings.Contains(body, `<main`) && strings.Contains(body[strings.Index(body, "<main"):], wrong) {
					t.Errorf("the page has %s, which forgets the return path", wrong)
				}
			}
			p.Clock.Advance(lunch)
			b.leadsBack(step(b, at), amelie, phone, to)
		})
	}
}

func TestSecondStep_KeyOverLunchStillLeadsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	p.Member(amelie, nil)
	b := p.browser(t)
	at := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", "/account/add").next()
	p.Clock.Advance(lunch)
	_, next, _ := b.script(strings.Replace(at, "factor", "factor/key", 1), `{"answer":{}}`)
	if next != "/login?again=session_gone&next=%2Faccount%2Fadd" {
		t.Errorf("got %q, want the sign-in with its return path", next)
	}
}

// Two tabs wait for the second step. The browser has one sign-in transaction, and each tab its own return path.
func TestSecondStep_EachTabLeadsWhereItWasGoing(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	first := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", "/account/add").next()
	b.post("/login", "identifier", amelie, "password", authntest.Password, "next", "/account/password")
	if got := b.post(first, "code", string(phone.Next())).next(); got != "/account/add" {
		t.Errorf("the first tab leads to %q", got)
	}
}

func TestSecondStep_ReturnPathStaysOnTheSite(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.post("/login", "identifier", amelie, "password", authntest.Password)
	if body := b.shows("/login/factor?next=" + url.QueryEscape("//evil.example")).body; !strings.Contains(body, `action="/login/factor"`) {
		t.Error("the form carries the path on")
	}
	b.goes("/account", "/login/factor?next="+url.QueryEscape("//evil.example"), "code", string(phone.Next()))
}

func TestPasswordRequired_KeepsWhereTheUserWasGoing(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })
	b := p.browser(t)
	at := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", "/account/add").next()
	at = b.post(at, "code", string(phone.Next())).next()
	if !strings.HasPrefix(at, "/login/password?") || !strings.Contains(b.shows(at).body, `action="`+at+`"`) {
		t.Fatalf("at %q, or its form goes elsewhere", at)
	}
	b.goes("/account/add", at, "password", "clef de treize et marteau")
}

// A page of the account is left open until the session ends.
func TestAccount_FormSentAfterTheSessionEndedLeadsBackToItsPage(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	for path, post := range map[string]string{"/account/prove?next=%2Faccount%2Fadd": "/account/prove", "/account": "/account/sessions/end-others",
		"/account/password": "/account/password"} {
		b := p.browser(t)
		b.signIn(amelie, phone)
		p.Clock.Advance(lunch)
		b.header.Set("Referer", p.url+path)
		b.leadsBack(b.post(post, "code", "123456"), amelie, phone, path)
	}
	b := p.browser(t)
	b.header.Set("Referer", "https://evil.example/account/add")
	if got := b.post("/account/sessions/end-others").next(); got != "/login?again=session_gone" {
		t.Errorf("a page of another site: got %q", got)
	}
}

// follows opens the pages that a redirect leads to.
func (b *browser) follows(at page) page {
	b.t.Helper()
	for range 4 {
		if at.StatusCode != http.StatusSeeOther {
			break
		}
		at = b.get(at.next())
	}
	return at
}

// A page is left open until what it shows has expired. The session goes on in another tab.
func TestAccount_PageLeftOpenOverLunchSaysSoAndBeginsAgain(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(b *browser, phone *authntest.Phone)
		path  string   // of the page, and of its form
		form  []string // as sent
		again string   // the page that begins again, itself or behind the step-up
	}{
		"a new phone": {func(b *browser, phone *authntest.Phone) {
			b.proves("/account/add", phone)
			b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
		}, "/enrol/phone", []string{"name", "Tablette", "code", "123456"}, "/enrol"},
	} {
		for _, by := range []string{"sent", "loaded again"} {
			t.Run(name+", "+by, func(t *testing.T) {
				p := open(t, nil)
				_, phone, _ := p.Member(amelie, nil)
				b := p.browser(t)
				b.signIn(amelie, phone)
				c.begin(b, phone)
				p.Clock.Advance(40 * time.Minute)
				b.shows("/account")
				p.Clock.Advance(40 * time.Minute)
				at := b.get(c.path)
				if by == "sent" {
					at = b.post(c.path, c.form...)
				}
				at = b.follows(at)
				if at.StatusCode != http.StatusOK || !strings.Contains(at.body, "This step has expired") || !strings.Contains(at.body, `value="`+c.again+`"`) {
					t.Errorf("got %d, %q", at.StatusCode, problemIn(at.body))
				}
			})
		}
	}
}

func TestQRCode_LeftOpenOverLunchSaysSoAndBeginsAgain(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	device := "/account/devices/" + string(p.User(string(u.ID)).Devices[0].ID)
	p.Clock.Advance(time.Minute)
	b.goes(device+"/copy", device+"/show", "name", "Tablette", "code", string(phone.Next()))
	p.Clock.Advance(20 * time.Minute)
	for name, at := range map[string]page{"sent": b.post(device+"/copy", "code", "123456"), "loaded again": b.get(device + "/copy")} {
		if at = b.follows(at); at.StatusCode != http.StatusOK || !strings.Contains(at.body, "This step has expired") || !strings.Contains(at.body, `action="`+device+`/show"`) {
			t.Errorf("%s: got %d, %q", name, at.StatusCode, problemIn(at.body))
		}
	}
}

func TestInvitation_LeftOpenOverLunchSaysToOpenTheLinkAgain(t *testing.T) {
	p := open(t, nil)
	link := "/invite/" + p.Invite(p.CreateUser(amelie, nil).ID).Reveal()
	b := p.browser(t)
	b.goes("/enrol", link, "password", authntest.Password)
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	p.Clock.Advance(lunch)
	for name, at := range map[string]page{"a code is typed": b.post("/enrol/phone", "name", "Téléphone", "code", "123456"), "the page is loaded again": b.get("/enrol/phone")} {
		if at.next() != "/login?again=enrolment_gone" || !strings.Contains(b.shows(at.next()).body, "Open the link in your email again") {
			t.Errorf("%s: got %d to %q", name, at.StatusCode, at.next())
		}
	}
	b.goes("/enrol", link, "password", authntest.Password)
}
