package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// deviceID finds the id of a device in the account, by its name.
func (m *Member) deviceID(name string) string {
	m.tb.Helper()
	return m.Get("/account").find(m.tb, `href="/account/devices/([^/"]+)/show" aria-label="[^"]*`+regexp.QuoteMeta(name)+`"`)
}

// proves gives a fresh proof for the acts of the account.
func (m *Member) proves() {
	m.tb.Helper()
	m.Post("/account/prove", "code", m.Phone.Next(), "next", "/account/add").want(m.tb, "/account/add")
}

func TestAccount_RejectsIDsOfAnotherUser(t *testing.T) {
	h := Open(t, EnvOptions{})
	anne, bob := h.Member(t, "anne@garage.example"), h.Member(t, "bobo@garage.example")
	v := h.Visitor(t)
	anne.give(v).want(t, "/login/factor")
	v.Post("/login/factor", "code", bob.Phone.Next())
	v.Post("/login/factor/recovery", "code", bob.Codes[0])
	if v.signedIn() {
		t.Error("another person's code signs in")
	}
	// It stays good for its owner, in any case and without hyphens, and once.
	own := h.Visitor(t)
	bob.give(own)
	own.Post("/login/factor/recovery", "code", strings.ToLower(strings.ReplaceAll(bob.Codes[0], "-", ""))).want(t, "/enrol")
	again := h.Visitor(t)
	bob.give(again)
	if again.Post("/login/factor/recovery", "code", bob.Codes[0]); again.signedIn() {
		t.Error("a recovery code signs in twice")
	}
	// Acts on another person's device.
	bob.proves()
	phone := anne.deviceID("Téléphone")
	for _, path := range []string{"/remove", "/rename", "/show", "/copy", "/replace"} {
		page := bob.Post("/account/devices/"+phone+path, "name", "volé", "code", bob.Phone.Code())
		if page.Status < 400 && !page.Is("/account") || strings.Contains(page.Body, "<path fill=\"#000\"") {
			t.Errorf("%s on another person's device: got %s with status %d", path, page.Path, page.Status)
		}
	}
	if got := anne.Get("/account"); got.Says("volé") || !got.Says("Téléphone") {
		t.Error("another person changed her device")
	}
}

func TestAccount_RequiresStepUp(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "anne@garage.example")
	m.Post("/logout")
	m.signIn(m.Visitor)
	phone := m.deviceID("Téléphone")
	pages := []string{"/account/add", "/account/recovery", "/account/password", "/account/devices/" + phone + "/remove", "/enrol"}
	for _, path := range pages { // in a known browser the sign-in counts
		m.Get(path).want(t, path)
	}
	if page := m.Post("/account/devices/"+phone+"/show", "name", "x", "code", m.Phone.Code()); strings.Contains(page.Body, `id="secret"`) {
		t.Error("the code of the sign-in shows the QR code again")
	}
	m.Visitor = h.Visitor(t)
	m.give(m.Visitor)
	code := m.Phone.Next()
	m.Post("/login/factor", "code", code).want(t, "/account")
	for _, path := range pages {
		m.Get(path).want(t, "/account/prove")
	}
	// The sign-in's own code is used up, also for this.
	if m.Post("/account/prove", "code", code, "next", "/account/add").Is("/account/add") {
		t.Error("the code of the sign-in proves an act")
	}
	if m.Post("/account/prove", "code", m.Codes[1], "next", "/account/add").Is("/account/add") {
		t.Error("a recovery code proves an act")
	}
	if page := m.Post("/account/devices/"+phone+"/show", "name", "x", "code", m.Codes[1]); strings.Contains(page.Body, `id="secret"`) {
		t.Error("a recovery code shows the QR code again")
	}
	// A proof goes stale.
	m.proves()
	h.Clock.Advance(5*time.Minute + time.Second)
	m.Get("/account/add").want(t, "/account/prove")
	m.Post("/enrol/begin", "kind", "totp", "app", "other").want(t, "/account/prove")
	m.Post("/account/devices/"+phone+"/remove").want(t, "/account/prove")
}

func TestAccount_KeepsLastDeviceAndRejectsOldCodes(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "anne@garage.example")
	m.Post("/logout")
	m.signIn(m.Visitor)
	m.proves()
	phone := m.deviceID("Téléphone")
	if page := m.Post("/account/devices/" + phone + "/remove"); page.Status < 400 {
		t.Errorf("the last device is removed: got %s with status %d", page.Path, page.Status)
	}
	page := m.Post("/account/recovery").want(t, "/enrol/recovery")
	fresh := regexp.MustCompile(`<code>([^<]+)</code>`).FindStringSubmatch(page.Body)
	if len(fresh) < 2 || page.Header.Get("Cache-Control") != "no-store" {
		t.Fatal("no recovery codes are shown, or they may be kept by a cache")
	}
	m.Post("/enrol/recovery", "kept", "yes", "list", page.find(t, codesList)).want(t, "/account")
	v := h.Visitor(t)
	m.give(v)
	if v.Post("/login/factor/recovery", "code", m.Codes[2]); v.signedIn() {
		t.Error("a recovery code signs in that was renewed")
	}
	v.Get("/login/recovery")
	v.Post("/login/factor/recovery", "code", h.Secret("recovery code", fresh[1])).want(t, "/enrol")
}

func TestEnrolment_UsesOnlyTheConfirmedServerSecret(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "anne@garage.example")
	m.Post("/logout")
	m.signIn(m.Visitor)
	m.proves()
	own := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	page := m.Post("/enrol/begin", "kind", "totp", "app", "other", "secret", own, "uri", "otpauth://totp/x?secret="+own).want(t, "/enrol/phone")
	pending := &Phone{env: h, Secret: h.Secret("otpauth secret", page.find(t, `data-copy="([A-Z2-7]+)"`))}
	if pending.Secret == own || page.Header.Get("Cache-Control") != "no-store" {
		t.Error("the browser's secret was taken, or the page may be kept by a cache")
	}
	if got, _ := h.Visitor(t).ask("GET", "/enrol/phone", nil, nil); got == http.StatusOK {
		t.Error("the QR code is shown to somebody signed out")
	}
	v := h.Visitor(t)
	m.give(v)
	if v.Post("/login/factor", "code", pending.Next()); v.signedIn() {
		t.Error("a secret that nobody confirmed signs in")
	}
	if page := m.Post("/enrol/phone", "name", "x", "code", pending.Wrong()); page.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code at the end of an enrolment: got status %d, want 422", page.Status)
	}
	// Confirmed at twelve places at once: one device.
	same := make([]*Visitor, 12)
	for i := range same {
		same[i] = m.Visitor
	}
	together(same, "/enrol/phone", "name", "Deuxième", "code", pending.Next())
	if got := strings.Count(m.Get("/account").Body, "<h3>Deuxième</h3>"); got != 1 {
		t.Errorf("got %d devices, want 1", got)
	}
	v = h.Visitor(t)
	m.signIn(v)
}
