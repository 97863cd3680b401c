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
)

// proves gives a fresh proof for a page and comes to it.
func (b *browser) proves(path string, phone *authntest.Phone) page {
	b.t.Helper()
	got := b.get(path)
	if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		b.t.Fatalf("GET %s without a proof: got %d to %q, want the proof", path, got.StatusCode, got.next())
	}
	b.shows(got.next())
	b.goes(path, "/account/prove", "code", string(phone.Next()), "next", path)
	return b.shows(path)
}

// member is a signed-in user with a browser and a phone.
func member(t *testing.T) (*place, *browser, *authntest.Phone) {
	t.Helper()
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	return p, b, phone
}

// addPhone enrols another phone with a key of its own, after a proof.
func (b *browser) addPhone(name string) *authntest.Phone {
	b.t.Helper()
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "google")
	phone := &authntest.Phone{Env: b.place.Env, Secret: secretIn(b.t, b.shows("/enrol/phone").body)}
	if got := b.post("/enrol/phone", "name", name, "code", string(phone.Code())); got.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("enrolling %s: got %d %s", name, got.StatusCode, problemIn(got.body))
	}
	return phone
}

// idOf is the id of a device of amelie's by its name.
func (p *place) idOf(name string) string {
	p.T.Helper()
	for _, d := range p.User(amelie).Devices {
		if d.Name == name {
			return string(d.ID)
		}
	}
	p.T.Fatalf("no device %q", name)
	return ""
}

func TestCopy_TabletIsAddedAndRemoved(t *testing.T) {
	p, b, phone := member(t)
	elsewhere := p.browser(t)
	elsewhere.signIn(amelie, phone)
	if got := b.shows("/account"); !strings.Contains(got.body, `class="banner"`) {
		t.Error("nothing warns of the one phone without recovery codes")
	}
	b.proves("/account/add", phone)
	tablet := b.addPhone("Tablette")
	b.shows("/enrol/recovery")
	b.savesCodes()
	if got := b.shows("/account"); strings.Contains(got.body, `class="banner"`) || !strings.Contains(got.body, "10 ") {
		t.Error("the account warns for no reason, or does not count the recovery codes")
	}
	path := "/account/devices/" + p.idOf("Tablette") + "/remove"
	b.shows(path)
	before := b.cookie("__Host-barillet")
	b.goes("/account?done=device_removed", path)
	if b.cookie("__Host-barillet") == before {
		t.Error("the session was not re-issued")
	}
	if got := elsewhere.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the session elsewhere: got %d, want 303", got.StatusCode)
	}
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.post("/login/factor", "code", string(tablet.Next())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a code of the removed tablet: got %d, want 401", got.StatusCode)
	}
	last := "/account/devices/" + p.idOf("Téléphone") + "/remove"
	if got := b.post(last); got.StatusCode != http.StatusConflict || !strings.Contains(problemIn(got.body), "your last device") {
		t.Errorf("removing the last device: got %d %q, want 409 with the reason", got.StatusCode, problemIn(got.body))
	}
}

func TestCopy_SameQRCodeIsShownToAPhoneThatConfirms(t *testing.T) {
	p, b, phone := member(t)
	base := "/account/devices/" + p.idOf("Téléphone")
	if got := b.shows(base + "/show"); !strings.Contains(got.body, "data-countdown") {
		t.Error("right after the sign-in the page does not count down to the next code")
	}
	if got := b.post(base+"/show", "name", "Tablette", "code", string(phone.Code())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a code used already: got %d, want 401", got.StatusCode)
	}
	if got := b.post(base+"/show", "name", "", "code", string(phone.Next())); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a phone without a name: got %d, want 422", got.StatusCode)
	}
	b.goes(base+"/copy", base+"/show", "name", "Tablette", "code", string(phone.Code()))
	shown := b.shows(base + "/copy").body
	if got := secretIn(t, shown); got != phone.Secret {
		t.Error("another key was shown")
	}
	copyID := regexp.MustCompile(`name="copy" value="([^"]+)"`).FindStringSubmatch(shown)[1]
	if got := b.post(base+"/copy", "copy", copyID, "code", string(phone.Code())); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code from before: got %d, want 422", got.StatusCode)
	}
	b.goes("/account?done=copy_added", base+"/copy", "copy", copyID, "code", string(phone.Next()))
	if got := b.shows("/account"); !strings.Contains(got.body, "Tablette") {
		t.Error("the account does not list the copy")
	}
	// It is lost: the only device goes on under a new key.
	remove := base + "/copies/" + copyID
	b.proves(remove, phone)
	b.goes(base+"/replace", remove)
	phone2 := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows(base+"/replace").body)}
	if got := b.post(base+"/replace", "code", string(phone.Next())); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code of the old key: got %d, want 422", got.StatusCode)
	}
	b.goes("/account?done=copy_removed", base+"/replace", "code", string(phone2.Code()))
	b.shows("/account?done=copy_removed")
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.post("/login/factor", "code", string(phone.Next())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a code of the old key after its replacement: got %d, want 401", got.StatusCode)
	}
	again.goes("/account", "/login/factor", "code", string(phone2.Code()))
}

func TestCopy_IsRemovedWhileAnotherDeviceRemains(t *testing.T) {
	p, b, phone := member(t)
	base := "/account/devices/" + p.idOf("Téléphone")
	b.goes(base+"/copy", base+"/show", "name", "Tablette", "code", string(phone.Next()))
	copyID := p.User(amelie).Devices[0].Copies[0].ID
	b.proves("/account/add", phone)
	other := b.addPhone("Autre")
	b.savesCodes()
	b.shows(base + "/copies/" + copyID)
	b.goes(base+"/replace", base+"/copies/"+copyID)
	if p.User(amelie).Devices[0].Usable() {
		t.Error("the old key still counts")
	}
	b.get("/account")
	// The page was closed: showing it again asks for the other phone, and begins anew.
	b.goes(base+"/replace", base+"/show", "name", "x", "code", string(other.Next()))
	renewed := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows(base+"/replace").body)}
	b.goes("/account?done=copy_removed", base+"/replace", "code", string(renewed.Code()))
}

func TestAccount_UserManagesDevicesAndSessions(t *testing.T) {
	p, b, phone := member(t)
	device := "/account/devices/" + p.idOf("Téléphone")
	if got := b.post(device+"/rename", "name", strings.Repeat("x", 65)); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a name of 65: got %d, want 422", got.StatusCode)
	}
	b.goes("/account?done=device_renamed", device+"/rename", "name", "Fairphone & Söhne")
	if got := b.shows("/account?done=device_renamed"); !strings.Contains(got.body, "Fairphone &amp; Söhne") {
		t.Error("the new name is not shown, or not escaped")
	}
	elsewhere := p.browser(t)
	elsewhere.signIn(amelie, phone)
	id := regexp.MustCompile(`/account/sessions/([0-9a-f]+)/end"`).FindStringSubmatch(b.shows("/account").body)
	b.goes("/account?done=session_ended", "/account/sessions/"+id[1]+"/end")
	b.goes("/account?done=others_ended", "/account/sessions/end-others")
	if got := elsewhere.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the ended session: got %d, want 303", got.StatusCode)
	}
	b.proves("/account/password", phone)
	if got := b.post("/account/password", "current", "wrong", "password", "clef de treize et marteau"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong present password: got %d, want 422", got.StatusCode)
	}
	b.goes("/account?done=password_changed", "/account/password", "current", authntest.Password, "password", "clef de treize et marteau")
	b.shows("/account")
	if got := b.shows("/account/recovery"); strings.Contains(got.body, "<code>") {
		t.Error("recovery codes are shown before they are asked for")
	}
	b.goes("/enrol/recovery", "/account/recovery")
}

func TestStepUp_ExpiresAndIsRequestedAgain(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/password", phone)
	p.Clock.Advance(6 * time.Minute)
	for path, fields := range map[string][]string{
		"/account/password": {"current", authntest.Password, "password", "clef de treize et marteau"},
		"/account/recovery": nil,
		"/enrol/begin":      {"kind", "totp", "app", "okta"},
		"/account/devices/" + p.idOf("Téléphone") + "/remove": nil,
	} {
		if got := b.post(path, fields...); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
			t.Errorf("POST %s: got %d to %q, want the proof", path, got.StatusCode, got.next())
		}
	}
	for _, kind := range []string{"recovery", "none", ""} {
		if got := b.post("/enrol/begin", "kind", kind); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("enrolling %q: got %d, want 422", kind, got.StatusCode)
		}
	}
}

func TestLanguage_ChoiceOfTheUserPrecedesTheBrowser(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, func(u *account.User) { u.Locale = "fr" })
	says := func(b *browser, path, lang string) {
		t.Helper()
		if got := b.shows(path); !strings.Contains(got.body, `<html lang="`+lang+`">`) {
			t.Errorf("%s is not in %q", path, lang)
		}
	}
	b := p.browser(t)
	says(b, "/login", "en")
	says(b, "/login?lang=fr", "fr")
	says(b, "/login?lang=xx", "en")
	b.header.Set("Accept-Language", "fr-CH, en;q=0.5")
	says(b, "/login", "fr")
	b.goes("/help", "/language", "lang", "en", "at", "/help")
	says(b, "/help", "en")
	b.signIn(amelie, phone)
	says(b, "/account", "fr")
	b.goes("/account", "/language", "lang", "en", "at", "/account")
	says(b, "/account", "en")
	if got := p.User(amelie).Locale; got != "en" {
		t.Errorf("the person's language: got %q, want en", got)
	}
	if got := b.post("/language", "lang", "xx"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a language that we lack: got %d, want 422", got.StatusCode)
	}
}

// TestStepUp_CodeThatSignedInIsNotAskedForAgain signs in twice in one browser. In the known browser the page of the operation
// comes at once. In the new one the page of the step-up names the operation, and says when the next code comes.
func TestStepUp_CodeThatSignedInIsNotAskedForAgain(t *testing.T) {
	p, b, phone := member(t)
	remove := "/account/devices/" + p.idOf("Téléphone") + "/remove"
	for path, want := range map[string]string{
		"/account/add":      "add a device",
		"/account/password": "change your password",
		"/account/recovery": "create new recovery codes",
		remove:              "remove the device “Téléphone”",
	} {
		asked := b.shows(b.get(path).next())
		if !strings.Contains(asked.body, want) || !strings.Contains(asked.body, "data-countdown") {
			t.Errorf("%s: the page does not name the operation, or not the next code", path)
		}
	}
	for next, want := range map[string]string{
		"/device/confirm?request=x": "sign in another device", "/account": "affects the security", "//evil.example/account/password": "affects the security",
		"/account/devices/none/remove": "affects the security", "/account/devices/[/remove": "affects the security",
	} {
		if asked := b.shows("/account/prove?next=" + url.QueryEscape(next)); !strings.Contains(asked.body, want) {
			t.Errorf("%s: the page does not say %q", next, want)
		}
	}
	b.post("/logout")
	b.signIn(amelie, phone)
	for _, path := range []string{"/account/add", "/account/password", "/account/recovery", remove} {
		b.shows(path)
	}
	if got := b.post("/account/devices/"+p.idOf("Téléphone")+"/show", "name", "Tablette", "code", string(phone.Code())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the code of the sign-in shows the QR code: %d", got.StatusCode)
	}
}

// The device that a user chose is enrolled after a step-up that had expired on the page, and nothing is begun without it.
func TestAdd_ChoiceIsKeptOverTheStepUp(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	p.Clock.Advance(6 * time.Minute)
	for _, c := range []struct{ kind, app, want string }{{"webauthn", "", "/enrol/key"}, {"totp", "google", "/enrol/phone"}} {
		got := b.post("/enrol/begin", "kind", c.kind, "app", c.app)
		if !strings.HasPrefix(got.next(), "/account/prove?next=") {
			t.Fatalf("a choice after the step-up expired: got %d to %q, want the step-up", got.StatusCode, got.next())
		}
		_, next, _ := strings.Cut(got.next(), "next=")
		next, err := url.QueryUnescape(next)
		if err != nil {
			t.Fatal(err)
		}
		page := b.shows(got.next())
		if !strings.Contains(page.body, `name="next" value="`+html.EscapeString(next)+`"`) {
			t.Errorf("the step-up does not know what follows: %s", next)
		}
		if got := b.get(next); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("the choice by GET: got %d, want 405", got.StatusCode)
		}
		if got := b.post("/account/prove", "code", "000000", "next", next); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("a wrong code: got %d, want 401", got.StatusCode)
		}
		if got := b.get(c.want); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s before the step-up: got %d, want a redirect", c.want, got.StatusCode)
		}
		p.Clock.Advance(time.Minute)
		b.goes(c.want, "/account/prove", "code", string(phone.Next()), "next", next)
		b.shows(c.want)
		p.Clock.Advance(11 * time.Minute)
	}
	for _, next := range []string{"https://thief.example/enrol/begin?kind=totp", "//thief.example/enrol/begin", "/enrol/begin", "/enrol/begin?kind=recovery", "/enrol/begin?kind=%zz"} {
		p.Clock.Advance(time.Minute)
		if got := b.post("/account/prove", "code", string(phone.Next()), "next", next); got.next() != "/account/add" && got.next() != "/account" {
			t.Errorf("after a step-up for %s: got %q", next, got.next())
		}
	}
}

// After a sign-in by recovery code, the user adds a new device and is then asked to remove the lost one.
func TestRecovery_LostPhoneIsOfferedForRemoval(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	b.goes("/enrol/recovery", "/account/recovery")
	codes := b.savesCodes()
	lost := "/account/devices/" + p.idOf("Téléphone") + "/remove"
	const question = "If one of your devices is lost, remove it"
	if got := b.shows("/account"); strings.Contains(got.body, question) {
		t.Error("the account asks for a lost device without a reason")
	}
	p.Clock.Advance(time.Hour)

	n := p.browser(t)
	n.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	n.goes("/enrol?done=recovery_used", "/login/factor/recovery", "code", codes[0])
	got := n.shows("/account")
	if !strings.Contains(got.body, question) || !strings.Contains(got.body, "First add the device") || strings.Contains(got.body, lost) {
		t.Error("before a new device is enrolled, the account does not ask for one first")
	}
	n.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	added := &authntest.Phone{Env: p.Env, Secret: secretIn(t, n.shows("/enrol/phone").body)}
	p.Clock.Advance(time.Second)
	n.goes("/account?done=device_added", "/enrol/phone", "name", "Nouveau", "code", string(added.Code()))
	got = n.shows("/account?done=device_added")
	if !strings.Contains(got.body, question) || !strings.Contains(got.body, `<a class="button second" href="`+lost+`"`) || strings.Contains(got.body, `class="button second" href="/account/devices/`+p.idOf("Nouveau")) {
		t.Error("after the new device the account does not offer to remove the lost one, and that one alone")
	}
	if got := n.get("/enrol/second"); got.next() != "/account?done=device_added" {
		t.Errorf("the advice after a first device: got %d to %q, want the question first", got.StatusCode, got.next())
	}
	n.proves(lost, added)
	n.goes("/account?done=device_removed", lost)
	if got := n.shows("/account"); strings.Contains(got.body, question) || len(p.User(amelie).Devices) != 2 {
		t.Error("the lost device is still there, or still asked for")
	}
}

// A device that the user used after the recovery code was not lost.
func TestRecovery_FoundPhoneIsNotOfferedForRemoval(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	b.goes("/enrol/recovery", "/account/recovery")
	codes := b.savesCodes()
	n := p.browser(t)
	n.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	n.goes("/enrol?done=recovery_used", "/login/factor/recovery", "code", codes[0])
	p.Clock.Advance(time.Hour / 2)
	b.proves("/account/add", phone)
	if got := b.shows("/account"); strings.Contains(got.body, "If one of your devices is lost") {
		t.Error("the account asks for a device that is in use")
	}
}
