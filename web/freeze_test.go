package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/freeze"
	"barillet/internal/notice"
)

func TestFreeze_FromTheSecondStep(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	lost := string(u.Devices[0].ID)

	unknown := p.browser(t)
	unknown.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := unknown.shows("/login/factor"); !strings.Contains(got.body, `href="/login/freeze"`) {
		t.Error("no link for a lost phone")
	}
	for _, got := range []page{unknown.get("/login/freeze"), unknown.post("/login/freeze", "device", lost), unknown.post("/login/freeze", "device", "all")} {
		if got.StatusCode != http.StatusSeeOther || got.next() != "/help/request?topic=phone_lost" {
			t.Errorf("an unknown browser: got %d to %q", got.StatusCode, got.next())
		}
	}
	if got := unknown.shows("/help/request?topic=phone_lost"); strings.Contains(got.body, "/login/freeze") {
		t.Error("the help form offers it to an unknown browser")
	}

	b := p.browser(t)
	b.signIn(amelie, phone)
	b.goes("/logged-out", "/logout")
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := b.shows("/help/request?topic=phone_lost"); !strings.Contains(got.body, `href="/login/freeze"`) {
		t.Error("the help form does not offer it")
	}
	if got := b.post("/help/request", "topic", "phone_lost"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `href="/login/freeze"`) {
		t.Errorf("the help form with an error: got %d, and it does not offer it", got.StatusCode)
	}
	if got := b.shows("/login/recovery"); !strings.Contains(got.body, `href="/login/freeze"`) {
		t.Error("the page for recovery codes does not offer it")
	}
	form := b.shows("/login/freeze")
	if !strings.Contains(form.body, `href="/login/factor"`) {
		t.Error("no link leads back to the second step")
	}
	if !strings.Contains(form.body, `value="`+lost+`"`) || !strings.Contains(form.body, `value="all"`) {
		t.Fatal("the form does not name the device")
	}
	if got := b.post("/login/freeze"); got.StatusCode != http.StatusNotFound {
		t.Errorf("without a device: got %d", got.StatusCode)
	}
	b.goes("/login/blocked?done=device_frozen", "/login/freeze", "device", lost)
	if got := b.shows("/login/blocked?done=device_frozen"); !strings.Contains(got.body, "Device blocked") {
		t.Error("the page does not say what was done")
	}
	if d := p.User(amelie).Devices[0]; !d.IsFrozen() {
		t.Error("not frozen")
	}
}

func TestFreeze_OnTheAccountPage(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	b, other := p.browser(t), p.browser(t)
	other.signIn(amelie, phone)
	b.signIn(amelie, phone)
	b.goes("/account", "/account/prove", "code", string(phone.Next()), "next", "/account")
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	second := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	b.post("/enrol/phone", "name", "Second", "code", string(second.Code()))
	p.Clock.Advance(account.StepUpTTL)

	lost := string(u.Devices[0].ID)
	if got := b.shows("/account"); !strings.Contains(got.body, `href="/account/freeze"`) {
		t.Error("the account page does not offer it")
	}
	b.shows("/account/freeze")
	b.goes("/account?done=device_frozen", "/account/freeze", "device", lost)
	if got := other.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Error("the other session goes on")
	}
	unfreeze := "/account/devices/" + lost + "/unfreeze"
	if got := b.shows("/account?done=device_frozen"); !strings.Contains(got.body, "Blocked on") || !strings.Contains(got.body, unfreeze) {
		t.Error("the account page does not show the block")
	}
	if got := b.shows(unfreeze); strings.Contains(got.body, `action="`+unfreeze) || !strings.Contains(got.body, "more than three days ago") {
		t.Error("a device of today is offered as proof")
	}
	p.Clock.Advance(freeze.ProofAge)
	b = p.browser(t)
	b.signIn(amelie, second)
	prove := "/account/prove?next=" + url.QueryEscape(unfreeze)
	if got := b.get(unfreeze); got.next() != prove {
		t.Errorf("without a step-up: to %q", got.next())
	}
	if got := b.shows(prove); !strings.Contains(got.body, "about to unblock") {
		t.Error("the step-up does not name the operation")
	}
	b.goes(unfreeze, "/account/prove", "code", string(second.Next()), "next", unfreeze)
	b.shows(unfreeze)
	b.goes("/account?done=device_unfrozen", unfreeze)
	if d := p.User(amelie).Devices[0]; d.IsFrozen() {
		t.Error("still frozen")
	}

	b.goes("/freeze/done", "/account/freeze", "device", "all")
	if got := b.shows("/freeze/done"); !strings.Contains(got.body, "/help/request") {
		t.Error("the page is a dead end")
	}
	if got := b.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Error("a session without devices goes on")
	}
}

func TestFreeze_ByTheLinkOfAnEmail(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	p.EmptyOutbox()
	p.browser(t).signIn(amelie, phone)
	link, err := url.Parse(mailed[notice.NewBrowser](t, p, amelie).Freeze)
	if err != nil || !strings.HasPrefix(link.Path, "/freeze/") {
		t.Fatalf("got %v, %v", link, err)
	}
	karim, his, _ := p.Member("karim@garage.example", nil)
	b := p.browser(t)
	b.signIn(karim.Login, his)
	for range 2 {
		if got := b.shows(link.Path); !strings.Contains(got.body, `action="`+link.Path) || !strings.Contains(got.body, "Account: "+amelie) {
			t.Fatal("no form that names the user")
		}
	}
	b.goes("/freeze/done", link.Path)
	if !p.User(amelie).Devices[0].IsFrozen() || p.User(karim.Login).Devices[0].IsFrozen() {
		t.Error("the devices of the wrong user are frozen")
	}
	b.shows("/account") // the session of the other user
	for _, got := range []page{b.get(link.Path), b.post(link.Path), b.get("/freeze/unknown")} {
		if got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, "no longer valid") {
			t.Errorf("afterwards: got %d", got.StatusCode)
		}
	}
}

func TestFreeze_SaysWhyTheLastAdministratorIsNotBlocked(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleSuperAdmin}} })
	b := p.browser(t)
	b.signIn(amelie, phone)
	got := b.post("/account/freeze", "device", string(u.Devices[0].ID))
	if got.StatusCode != http.StatusConflict || !strings.Contains(problemIn(got.body), "no administrator could sign in") {
		t.Errorf("got %d %q", got.StatusCode, problemIn(got.body))
	}

	b.goes("/logged-out", "/logout")
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	got = b.post("/login/freeze", "device", string(u.Devices[0].ID))
	if got.StatusCode != http.StatusConflict || !strings.Contains(problemIn(got.body), "no administrator could sign in") {
		t.Errorf("at the second step: got %d %q", got.StatusCode, problemIn(got.body))
	}
	if !strings.Contains(got.body, `value="`+string(u.Devices[0].ID)+`"`) {
		t.Error("the form that is shown again has lost the device")
	}
}

func TestPasswordRequired_SaysThatOthersKnowThePassword(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExposed })
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	b.goes("/login/password", "/login/factor", "code", string(phone.Next()))
	if got := b.shows("/login/password"); !strings.Contains(got.body, "Someone else knows your password") {
		t.Error("the page does not say why")
	}
}
