package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Person is a user with a browser. The same user with another browser is another Person with the same fields.
type Person struct {
	*Browser
	env             *Env
	Login, Password string
	script          bool
}

// Person returns a user with a fresh browser.
func (h *Env) Person(tb testing.TB, login, password string, o BrowserOptions) *Person {
	tb.Helper()
	h.Secret("password of "+login, password)
	return &Person{Browser: NewBrowser(tb, h.URL, o), env: h, Login: login, Password: password, script: !o.NoScript}
}

// Elsewhere is the same person at a further browser.
func (p *Person) Elsewhere(tb testing.TB) *Person {
	tb.Helper()
	return p.env.Person(tb, p.Login, p.Password, BrowserOptions{NoScript: !p.script})
}

// mainButton sends the form that is the page's main matter.
const mainButton = "main form button.main"

// at fails the test unless the page is below this path.
func (p *Person) at(path string) {
	p.tb.Helper()
	if got := p.Path(); got != path && !strings.HasPrefix(got, path+"?") && !strings.HasPrefix(got, path+"/") {
		p.tb.Fatalf("got the page %s, want %s; it says:\n%s", got, path, p.Text("body"))
	}
}

// says fails the test unless the page shows this text.
func (p *Person) says(text string) {
	p.tb.Helper()
	p.Wait("main")
	if got := p.Text("body"); !strings.Contains(plain(got), plain(text)) {
		p.tb.Errorf("the page %s does not say %q, but:\n%s", p.Path(), text, got)
	}
}

// plain forgets what kind of blanks and apostrophes a text has.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("\u00a0", " ", "\u202f", " ", "’", "'").Replace(text)), " ")
}

// enter puts a code into its field; with a script the sixth digit sends it.
func (p *Person) enter(code string) {
	p.tb.Helper()
	if p.script && p.Count("#f-code[data-digits]") > 0 && len(code) == 6 {
		p.FillAndLeave("#f-code", code)
		return
	}
	p.Fill("#f-code", code)
	p.Submit(mainButton)
}

// give proves the password; what comes next is the dispatcher's matter.
func (p *Person) give() {
	p.tb.Helper()
	p.Open("/login")
	p.tell()
}

// tell submits the sign-in page.
func (p *Person) tell() {
	p.tb.Helper()
	p.at("/login")
	p.Fill("#f-identifier", p.Login)
	p.Fill("#f-password", p.Password)
	p.Submit(mainButton)
}

// follow signs in where an application led to, with the phone's next code.
func (p *Person) follow(phone *Phone) {
	p.tb.Helper()
	p.tell()
	p.prompt()
	p.enter(phone.Next())
}

// prompt goes to the six-digit field of a second step whose password is proven.
func (p *Person) prompt() {
	p.tb.Helper()
	p.at("/login/factor")
	if p.Count("#f-code") == 0 {
		p.Submit(`a[href^="/login/factor?method=code"]`)
	}
	p.Wait("#f-code")
}

// signIn signs in with the password and the phone's next code.
func (p *Person) signIn(phone *Phone) {
	p.tb.Helper()
	p.give()
	p.prompt()
	p.enter(phone.Next())
	p.home()
}

// home fails the test unless the person is signed in and sees their account.
func (p *Person) home() {
	p.tb.Helper()
	p.at("/account")
	p.Wait("#devices")
}

// SignOut ends the session.
func (p *Person) signOut() {
	p.tb.Helper()
	p.Submit(`form[action="/logout"] button`)
	p.at("/logged-out")
}

// outside fails the test unless this browser's session is dead.
func (p *Person) outside() {
	p.tb.Helper()
	p.Open("/account")
	p.at("/login")
}

// refused proves the password, tries a code, and fails the test unless it is refused with these words.
func (p *Person) refused(code, words string) {
	p.tb.Helper()
	p.give()
	p.prompt()
	p.enter(code)
	p.at("/login/factor")
	p.says(words)
	p.outside()
}

// accept opens an invitation and chooses the password.
func (p *Person) accept(link string) {
	p.tb.Helper()
	p.Open(link)
	if got := p.Value("#f-login"); got != p.Login {
		p.tb.Errorf("the invitation is for %q, want %q", got, p.Login)
	}
	p.Fill("#f-password", p.Password)
	p.Submit(mainButton)
	p.at("/enrol")
}

// phone enrols a phone from the page that offers the kinds: the QR code is read from a picture, the code comes
// from the app.
func (p *Person) phone(app, name string) *Phone {
	p.tb.Helper()
	p.Submit(`button[name="app"][value="` + app + `"]`)
	p.at("/enrol/phone")
	phone := p.scan()
	p.Fill("#f-name", name)
	p.enter(phone.Next())
	return phone
}

// scan reads the QR code of the page with a phone.
func (p *Person) scan() *Phone {
	p.tb.Helper()
	uri := ZbarImg(p.tb, p.Picture(".qr svg"))
	read, err := url.Parse(uri)
	if err != nil || read.Scheme != "otpauth" || read.Host != "totp" {
		p.tb.Fatalf("got a QR code with %q, want an otpauth://totp address", uri)
	}
	if !strings.Contains(read.Path, ":"+p.Login) { // a further device has a number after the login, to distinguish it in the app
		p.tb.Errorf("got a QR code for %q, want one for %s", read.Path, p.Login)
	}
	p.env.Secret("otpauth address", uri)
	return &Phone{env: p.env, Secret: p.env.Secret("otpauth secret", read.Query().Get("secret"))}
}

// later puts a second device off and gives the recovery codes, kept.
func (p *Person) later() []string {
	p.tb.Helper()
	p.at("/enrol/second")
	p.Submit(`form[action="/enrol/later"] button`)
	p.at("/enrol/recovery")
	return p.keepCodes()
}

// keepCodes reads the recovery codes of the page and says that they are kept.
func (p *Person) keepCodes() []string {
	p.tb.Helper()
	p.Wait("#codes")
	codes := run(p.Browser, chromedp.Evaluate[[]string](`Array.from(document.querySelectorAll("#codes code"), e => e.textContent.trim())`))
	if len(codes) != 10 {
		p.tb.Errorf("got %d recovery codes, want 10", len(codes))
	}
	for _, code := range codes {
		p.env.Secret("recovery code", code)
	}
	p.Click(`input[name="kept"]`)
	p.Submit(mainButton)
	p.home()
	return codes
}

// prove answers the question for a device that an act demands, if it is asked.
func (p *Person) prove(phone *Phone) {
	p.tb.Helper()
	if !strings.HasPrefix(p.Path(), "/account/prove") {
		return
	}
	if p.Count("#f-code") == 0 {
		p.Submit(`a[href*="/account/prove?method=code"]`)
	}
	p.enter(phone.Next())
}

// device is the selector of a link or form of a device in the account, by the device's name.
func (p *Person) device(name, act string) string {
	p.tb.Helper()
	selector := `a[aria-label*="` + name + `"][href$="/` + act + `"]`
	if p.Count(selector) != 1 {
		p.tb.Fatalf("got %d ways to %s %q, want 1; the page says:\n%s", p.Count(selector), act, name, p.Text("main"))
	}
	return selector
}

// addKey enrols the security key that is plugged in.
func (p *Person) addKey(phone *Phone, name string) {
	p.tb.Helper()
	p.Open("/account/add")
	p.prove(phone)
	p.Submit(`button[name="kind"][value="webauthn"]`)
	p.at("/enrol/key")
	p.Fill("#f-name", name)
	p.Click(`[data-key="create"]`)
	p.Wait("#devices")
	p.says(name)
}

// byKey does the second step with the key that is plugged in.
func (p *Person) byKey() {
	p.tb.Helper()
	p.at("/login/factor")
	if p.Count(`[data-key="get"]`) == 0 {
		p.Submit(`a[href^="/login/factor?method=key"]`)
	}
	p.Click(`[data-key="get"]`)
	p.Wait("#devices")
}

// ask sends a help request and gives its reference.
func (p *Person) ask(topic, message string) string {
	p.tb.Helper()
	p.Open("/help")
	p.Submit(`a.button.main[href="/help/request"]`)
	p.Fill("#f-email", p.Login)
	p.Choose("#f-topic", topic)
	p.Fill("#f-message", message)
	p.Submit(mainButton)
	return p.Text(".reference")
}
