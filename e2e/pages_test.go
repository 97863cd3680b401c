package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// look judges the page as it stands: axe finds nothing on a phone in either scheme, nothing sticks out at its
// side, and pictures are kept where BARILLET_ALBUM says. The console is judged when the browser ends.
func (p *Person) look(name string) {
	p.tb.Helper()
	p.Wait("main h1")
	p.Album(name)
	p.View(PhoneWidth, 844)
	for _, scheme := range []string{"light", "dark"} {
		p.Scheme(scheme)
		p.Accessible(name + ", " + scheme)
	}
	if out := p.sticksOut(); out > 0 {
		p.tb.Errorf("%s is %d pixels wider than a phone", name, out)
	}
	p.View(DesktopWidth, 900)
	p.Scheme("light")
}

// loosen switches the browser's own checks of forms off, so that the server's are seen.
func (p *Person) loosen() {
	p.tb.Helper()
	p.evaluate(`document.querySelectorAll("form").forEach(f => f.noValidate = true)`)
}

// sends fills fields, selector and text in turn, and sends the main form unchecked.
func (p *Person) sends(fields ...string) {
	p.tb.Helper()
	p.loosen()
	for i := 0; i+1 < len(fields); i += 2 {
		p.Fill(fields[i], fields[i+1])
	}
	p.Submit(mainButton)
}

// unfold opens every fold of the page.
func (p *Person) unfold() {
	p.tb.Helper()
	p.evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`)
}

func TestPages_BeforeSignIn(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open("/")
	p.at("/login")
	p.look("login")
	p.unfold()
	p.look("login-help")
	p.sends("#f-identifier", p.Login)
	p.look("login-empty")
	p.sends("#f-identifier", p.Login, "#f-password", "pas le bon mot de passe")
	p.look("login-refused")
	p.Open("/login/factor")
	p.look("login-expired")
	p.Open("/logged-out")
	p.look("logged-out")

	p.Open("/forgot")
	p.look("forgot")
	p.sends()
	p.look("forgot-empty")
	p.sends("#f-identifier", "personne@garage.example")
	p.look("forgot-sent")
	p.Open("/password/" + strings.Repeat("A", 43))
	p.look("new-password-gone")
	p.Open("/invite/" + strings.Repeat("A", 43))
	p.look("invite-gone")
	p.Open("/ticket/" + strings.Repeat("A", 43))
	p.look("ticket-link-gone")

	p.Open("/help")
	p.unfold()
	p.look("help")
	p.Open("/help/request?topic=key_lost")
	p.look("help-request")
	p.sends("#f-email", "pas une adresse", "#f-message", "x")
	p.look("help-request-wrong")
	p.sends("#f-email", "personne@garage.example", "#f-message", "x")
	p.look("help-sent")
	p.Submit(`header button[name="lang"][value="en"]`)
	p.look("help-sent-english")
	p.Submit(`a[href="/help/request/progress"]`)
	p.look("help-progress")
}

func TestPages_Failure(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Config: proxied})
	p := h.Person(t, "amelie@garage.example", "sept marteaux et une enclume", BrowserOptions{})
	for _, failure := range []struct {
		path   string
		status int
	}{{"/nowhere", http.StatusNotFound}, {"/logout", http.StatusMethodNotAllowed}} {
		if got := p.Open(failure.path); got != failure.status {
			t.Errorf("%s: got status %d, want %d", failure.path, got, failure.status)
		}
		p.look("failure" + strings.ReplaceAll(failure.path, "/", "-"))
	}
	// A language that there is not; a message of 70 KiB.
	p.Open("/login")
	p.evaluate(`document.querySelector("header button[name=lang]").value = "xx"`)
	p.Submit(`header button[name="lang"]`)
	p.look("failure-bad-request")
	p.Open("/help/request")
	p.Fill("#f-email", p.Login)
	p.evaluate(`document.querySelector("#f-message").value = "x".repeat(70 << 10)`)
	p.loosen()
	if got := p.Submit(mainButton); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a message of 70 KiB: got status %d, want 413", got)
	}
	p.look("failure-too-large")
	// Twenty requests an hour from one place, and one more.
	v := h.Visitor(t)
	v.Address = "127.0.0.1"
	for n := range 20 {
		v.Post("/help/request", "email", person(n), "topic", "other", "message", "x")
	}
	p.Open("/help/request")
	p.sends("#f-email", p.Login, "#f-message", "x")
	p.says("Trop")
	p.look("failure-too-many")
}

func TestPages_Enrolment(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	p := h.Person(t, "amelie@garage.example", "sept marteaux et une enclume", BrowserOptions{})
	link := h.invite(p.Login, "Amélie Roux")
	p.Open(link)
	p.look("invite")
	for name, password := range map[string]string{"empty": "", "short": "abc", "common": "password123", "own": "amelie@garage.example"} {
		p.sends("#f-password", password)
		p.look("invite-" + name)
	}
	p.accept(link)
	p.look("enrol-choose")
	for _, app := range []string{"okta", "google", "other"} {
		p.Open("/enrol")
		p.Submit(`button[name="app"][value="` + app + `"]`)
		p.unfold()
		p.look("enrol-phone-" + app)
	}
	p.loosen()
	p.Fill("#f-name", "Téléphone")
	p.enter((&Phone{env: h, Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}).Wrong())
	p.look("enrol-phone-wrong")
	p.Open("/enrol")
	p.Submit(`button[name="kind"][value="webauthn"]`)
	p.look("enrol-key")
	p.Open("/enrol")
	p.phone("okta", "Téléphone d’Amélie")
	p.look("enrol-second")
	p.Submit(`form[action="/enrol/later"] button`)
	p.look("enrol-codes")
	p.sends()
	p.look("enrol-codes-not-kept")
	p.Open(link)
	p.look("invite-used")
}

func TestPages_SecondStep(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.give()
	p.look("factor")
	p.enter(m.Phone.Wrong())
	p.look("factor-wrong")
	used := m.Phone.Next()
	h.Clock.NextStep()
	p.enter(used) // the step before is within the window, and not used yet
	p.home()
	p.look("account-new-browser")
	p.Plug()
	p.addKey(m.Phone, "Clé bleue")
	p.signOut()
	p.look("logged-out-really")
	p.give()
	p.look("factor-key")
	p.Submit(`a[href^="/login/factor?method=code"]`)
	p.look("factor-code-beside-key")
	p.enter(used)
	p.look("factor-used")
	p.Submit(`a[href^="/login/recovery"]`)
	p.look("recovery")
	p.enter("AAAA-BBBB-CCCC-DDDD")
	p.look("recovery-wrong")
	p.enter(m.Codes[0])
	p.at("/enrol")
	p.look("enrol-after-recovery")
	p.Open("/account")
	p.signOut()

	p.give()
	p.prompt()
	for range 6 {
		p.enter(m.Phone.Wrong())
	}
	p.says("Trop d’essais")
	p.look("factor-waits")
	for n := range 30 {
		h.Visitor(t).Post("/login", "identifier", person(n), "password", "pas le bon mot de passe")
	}
	stranger := h.Person(t, "inconnu@garage.example", "sept marteaux et une enclume", BrowserOptions{})
	stranger.give()
	stranger.look("login-waits")

	p.Open("/forgot")
	p.sends("#f-identifier", p.Login)
	link := h.Mail.Wait(p.Login, "choisir un nouveau mot de passe").Link(t, "/password/")
	h.Secret("password link", token(link))
	p.Open(link)
	p.look("new-password")
	p.sends("#f-password", "abc")
	p.look("new-password-short")
	p.sends("#f-password", "neuf boulons rouillés sous le banc")
	p.look("factor-new-password")
	h.Clock.Advance(11 * time.Minute)
	p.Open("/login/factor")
	p.look("login-session-gone")
}
