package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/notice"
)

const bruno = "bruno.petit@garage.example"

// signedIn returns a browser in which Amélie is signed in.
func (p *place) signedIn(t *testing.T) (*browser, account.User, *authntest.Phone) {
	t.Helper()
	u, phone, _ := p.Member(amelie, func(u *account.User) { u.FirstName, u.LastName = "Amélie", "Durand" })
	b := p.browser(t)
	b.signIn(amelie, phone)
	return b, u, phone
}

// subjectOn returns the user that the forms of a page name.
func subjectOn(p page) string {
	found := regexp.MustCompile(`<body data-subject="([^"]*)"`).FindStringSubmatch(p.body)
	if found == nil {
		return ""
	}
	return found[1]
}

// saysOther fails unless the answer is the page about another user.
func saysOther(t *testing.T, what string, got page, status int, words ...string) {
	t.Helper()
	if got.StatusCode != status || !strings.Contains(got.body, "Another user is signed in") {
		t.Errorf("%s: got %d to %q, want %d and the page about the other user", what, got.StatusCode, got.next(), status)
		return
	}
	for _, w := range words {
		if !strings.Contains(got.body, w) {
			t.Errorf("%s: the page does not say %q", what, w)
		}
	}
}

// An invitation opened in a browser in which another user is signed in says so before it shows anything else.
func TestOtherUser_InvitationInABrowserOfAnotherUserSaysSoFirst(t *testing.T) {
	p := open(t, nil)
	b, amelieIs, phone := p.signedIn(t)
	invited := p.CreateUser(bruno, func(u *account.User) { u.FirstName = "Bruno" })
	link := "/invite/" + p.Invite(invited.ID).Reveal()

	got := b.get(link)
	saysOther(t, "the invitation", got, http.StatusOK, "Amélie Durand", "Continue as Amélie Durand", "Sign out and continue")
	if strings.Contains(got.body, bruno) || strings.Contains(got.body, `name="password"`) {
		t.Error("the page shows the invitation")
	}
	saysOther(t, "a password for the invitation", b.post(link, "password", authntest.Password), http.StatusConflict)
	if p.User(bruno).Password.Hash != "" || b.cookie("__Host-barillet-login") != "" {
		t.Error("the invitation was accepted")
	}

	b.proves("/account/add", phone)
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	shown := b.shows("/enrol/phone")
	if !strings.Contains(shown.body, "Amélie Durand") || !strings.Contains(shown.body, "amelie.durand") || strings.Contains(shown.body, "bruno") {
		t.Error("the QR code is not Amélie's")
	}

	b.goes(link, "/logout", "next", link)
	if got := b.shows(link); !strings.Contains(got.body, bruno) || strings.Contains(got.body, "Amélie") {
		t.Error("after the sign-out the invitation is not shown, or Amélie still is")
	}
	b.goes("/enrol", link, "password", authntest.Password)
	if got := b.shows("/enrol"); !strings.Contains(got.body, "Bruno") || subjectOn(got) == p.subjectOf(amelieIs.ID) {
		t.Error("the enrolment does not name Bruno")
	}
}

// The links of a reset and of a forgotten password are like an invitation. The user's own password link is not.
func TestOtherUser_TicketAndPasswordLinksSaySoFirst(t *testing.T) {
	p := open(t, nil)
	b, _, _ := p.signedIn(t)
	brunoIs, _, _ := p.Member(bruno, nil)
	p.browser(t).goes("/forgot/sent", "/forgot", "identifier", bruno)
	forgotten := strings.TrimPrefix(mailed[notice.PasswordLink](t, p, bruno).Link, p.url)
	saysOther(t, "a password link", b.get(forgotten), http.StatusOK, "Amélie Durand")
	saysOther(t, "a password by the link", b.post(forgotten, "password", authntest.Password), http.StatusConflict)

	p.reset(brunoIs.ID)
	ticket := strings.TrimPrefix(mailed[notice.DevicesReset](t, p, bruno).Link, p.url)
	saysOther(t, "a ticket", b.get(ticket), http.StatusOK, "Amélie Durand")
	saysOther(t, "a password for the ticket", b.post(ticket, "identifier", bruno, "password", authntest.Password), http.StatusConflict)

	p.browser(t).goes("/forgot/sent", "/forgot", "identifier", amelie)
	own := strings.TrimPrefix(mailed[notice.PasswordLink](t, p, amelie).Link, p.url)
	b.shows(own)
	b.goes("/login/factor?done=password_set", own, "password", "Quatre roues et un volant")
}

// A form can name any user. The page about the other user names only one for whom the service made a form.
func TestOtherUser_ForgedSubjectShowsNoName(t *testing.T) {
	p := open(t, nil)
	b, amelieIs, _ := p.signedIn(t)
	bruno, _, _ := p.Member(bruno, func(u *account.User) { u.FirstName, u.LastName = "Bruno", "Petit" })
	own := p.subjectOf(bruno.ID)
	_, mac, _ := strings.Cut(p.subjectOf(amelieIs.ID), ".")
	for subject, want := range map[string]bool{own: true, string(bruno.ID): false, string(bruno.ID) + ".": false, own[:len(own)-1]: false,
		string(bruno.ID) + "." + mac: false} {
		got := b.do(http.MethodPost, "/account/sessions/end-others", formMedia, url.Values{"subject": {subject}}.Encode())
		saysOther(t, subject, got, http.StatusConflict)
		if named := strings.Contains(got.body, "Bruno Petit"); named != want {
			t.Errorf("%q: the page names the user: %t, want %t", subject, named, want)
		}
	}
}

// A page that was rendered for one user does nothing after another one has signed in.
func TestOtherUser_NoFormActsForAnotherUserThanItsPage(t *testing.T) {
	p := open(t, nil)
	b, amelieIs, _ := p.signedIn(t)
	_, phone, _ := p.Member(bruno, func(u *account.User) { u.FirstName = "Bruno" })
	stale := subjectOn(b.shows("/account"))
	if stale != p.subjectOf(amelieIs.ID) {
		t.Fatalf("the account page names %q, want Amélie", stale)
	}
	b.goes("/logged-out", "/logout")
	b.signIn(bruno, phone)
	b.proves("/account/add", phone)
	device := "/account/devices/" + string(p.User(bruno).Devices[0].ID)
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")

	forms := []string{"/account/prove", device + "/rename", device + "/remove", device + "/show", device + "/copy", device + "/copies/c", device + "/replace",
		device + "/confirm", "/account/recovery", "/account/sessions/none/end", "/account/sessions/end-others", "/account/password", "/enrol/begin", "/enrol/phone",
		"/enrol/token", "/enrol/recovery", "/enrol/later", "/logout", "/login", "/invite/none", "/ticket/none", "/password/none"}
	before := p.content(t)
	for _, path := range forms {
		saysOther(t, path, b.post(path, "subject", stale, "name", "x", "code", "000000"), http.StatusConflict, "opened for Amélie Durand", "now used by Bruno")
		saysOther(t, path+" of a page for nobody", b.post(path, "subject", "", "name", "x"), http.StatusConflict, "no one was signed in", "now used by Bruno")
	}
	b.header.Set("Barillet-Subject", stale)
	for _, path := range []string{"/account/prove/key", "/enrol/key"} {
		got := b.do(http.MethodPost, path, "application/json", `{"answer":{},"name":"x"}`)
		if got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "opened for another user") {
			t.Errorf("%s: got %d %s, want 409 that says why", path, got.StatusCode, got.body)
		}
	}
	b.header.Del("Barillet-Subject")
	if keys := changed(before, p.content(t)); len(keys) > 0 {
		t.Errorf("changed %v", keys)
	}
	b.goes("/help", "/language", "subject", stale, "lang", "fr", "at", "/help")
	if got := p.User(bruno).Locale; got == "fr" {
		t.Error("the language of a page for Amélie was stored for Bruno")
	}
	if got := b.post("/logout", "subject", string(p.User(amelie).ID)+".forged"); strings.Contains(got.body, "Amélie") {
		t.Error("a forged subject gives the name of its user")
	}
}

// The second step of one user does not continue with the sign-in that another has begun since.
func TestOtherUser_SecondStepOfAnotherUser(t *testing.T) {
	p := open(t, nil)
	p.Member(amelie, func(u *account.User) { u.FirstName = "Amélie" })
	_, phone, _ := p.Member(bruno, func(u *account.User) { u.FirstName = "Bruno" })
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	first := b.shows("/login/factor")
	if !strings.Contains(first.body, "Amélie") {
		t.Error("the second step does not name its user")
	}
	b.goes("/login/factor", "/login", "identifier", bruno, "password", authntest.Password)
	for _, path := range []string{"/login/factor", "/login/factor/recovery", "/login/ticket", "/login/ticket/renew", "/login/password"} {
		saysOther(t, path, b.post(path, "subject", subjectOn(first), "code", string(phone.Code())), http.StatusConflict, "opened for Amélie", "now used by Bruno", `href="/login/factor"`)
	}
	if b.cookie("__Host-barillet") != "" {
		t.Error("a session was opened")
	}
	b.goes("/account", "/login/factor", "code", string(phone.Next()))
}

// With the cookies of a session of one user and of a sign-in of another, every page acts for the session.
func TestOtherUser_SessionIgnoresTheSignInOfAnotherUser(t *testing.T) {
	p := open(t, nil)
	b, amelieIs, phone := p.signedIn(t)
	invited := p.CreateUser(bruno, nil)
	other := p.browser(t)
	other.goes("/enrol", "/invite/"+p.Invite(invited.ID).Reveal(), "password", authntest.Password)
	b.setCookie("__Host-barillet-login", other.cookie("__Host-barillet-login"))
	b.proves("/account/add", phone)
	subject := p.subjectOf(amelieIs.ID)
	b.goes("/enrol/phone", "/enrol/begin", "subject", subject, "kind", "totp", "app", "okta")
	got := b.shows("/enrol/phone")
	added := &authntest.Phone{Env: p.Env, Secret: secretIn(t, got.body)}
	b.goes("/enrol/recovery", "/enrol/phone", "subject", subject, "name", "Tablette", "code", string(added.Code()))
	if n, m := len(p.User(amelie).Devices), len(p.User(bruno).Devices); n != 3 || m != 0 {
		t.Errorf("Amélie has %d devices and Bruno %d, want two phones and recovery codes, and 0", n, m)
	}
	if got := b.get("/login/factor"); got.next() != "/login?again=session_gone" {
		t.Errorf("the second step of Bruno in Amélie's browser: got %d to %q", got.StatusCode, got.next())
	}
}

// A help request that a signed-in user sends in the name of another does not say that this one's password was proven, although the
// browser has the sign-in of that user.
func TestAttack_HelpRequestWithTheSignInOfAnotherUser(t *testing.T) {
	p := open(t, nil)
	b, _, _ := p.signedIn(t)
	p.Member(bruno, nil)
	other := p.browser(t)
	other.goes("/login/factor", "/login", "identifier", bruno, "password", authntest.Password)
	b.setCookie("__Host-barillet-login", other.cookie("__Host-barillet-login"))
	for name, sender := range map[string]*browser{"in the session of Amélie": b, "in the browser of Bruno": other} {
		p.EmptyOutbox()
		if got := sender.post("/help/request", "email", bruno, "topic", "phone_lost", "message", "Aidez-moi"); !strings.HasPrefix(got.next(), "/help/sent") {
			t.Fatalf("%s: got %d", name, got.StatusCode)
		}
		m := authntest.Mailed[notice.HelpForSupport](t, p.Env, "")
		if want := sender == other; m.PasswordProven != want {
			t.Errorf("%s: the request says that the password was proven: %v, want %v", name, m.PasswordProven, want)
		}
	}
}

// The forms for applications act for the user of their page alone, too.
func TestOtherUser_NoConsentOrApprovalForAnotherUser(t *testing.T) {
	p, _ := appPlace(t, nil)
	_, _, b := signedIn(p, bruno)
	other, _, _ := p.Member(amelie, func(u *account.User) { u.FirstName = "Amélie" })
	before := p.content(t)
	for _, path := range []string{"/oauth2/v1/consent", "/oauth2/v1/logout/confirm", "/device", "/device/confirm", "/account/applications/none/withdraw"} {
		saysOther(t, path, b.post(path, "subject", p.subjectOf(other.ID), "request", "x", "decision", "yes", "code", "x"), http.StatusConflict, "opened for Amélie", "Nothing was changed")
	}
	if keys := changed(before, p.content(t)); len(keys) > 0 {
		t.Errorf("changed %v", keys)
	}
	b.shows("/account")
}
