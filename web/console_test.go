package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

// administrator returns a browser in which a user with a role is signed in, and the device of the user.
func (p *place) administrator(t *testing.T, login string, role account.Role, groups ...account.GroupID) (*browser, *proving) {
	t.Helper()
	u, phone, _ := p.Member(login, func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r-" + login, Role: role, Groups: groups}}
	})
	b := p.browser(t)
	b.signIn(login, phone)
	return b, &proving{b, u, phone}
}

// proving gives a second factor in a session for what follows.
type proving struct {
	*browser
	user  account.User
	phone *authntest.Phone
}

func (a *proving) proves(next string) page {
	a.t.Helper()
	a.place.Clock.Advance(30 * time.Second)
	return a.goes(next, "/account/prove", "code", string(a.phone.Code()), "next", next)
}

func TestConsole_IsForAdministrators(t *testing.T) {
	p := open(t, nil)
	b, _, _ := p.signedIn(t)
	if got := b.get("/console"); got.StatusCode != http.StatusForbidden {
		t.Errorf("got %d for a user without a role, want 403", got.StatusCode)
	}
	if got := p.browser(t).get("/console"); got.next() != "/login?next=%2Fconsole" {
		t.Errorf("got %d to %q without a session, want the sign-in", got.StatusCode, got.next())
	}
}

// An operation that needs a proof asks for it first, keeps what was typed, and is performed once.
func TestConsole_SuspendsAfterAProofAndWithAReason(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, nil)
	b, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	at := "/console/people/" + string(member.ID) + "/suspend"
	if got := b.get(at); got.next() != "/account/prove?next="+strings.ReplaceAll(at, "/", "%2F") {
		t.Fatalf("got %d to %q, want the proof first", got.StatusCode, got.next())
	}
	if got := b.post(at, "reason", "left the garage"); !strings.Contains(got.next(), "reason%3Dleft%2Bthe%2Bgarage") {
		t.Errorf("got %d to %q, want the proof, and the reason kept", got.StatusCode, got.next())
	}
	admin.proves(at + "?reason=left")
	if got := b.get(at + "?reason=left"); !strings.Contains(got.body, `value="left"`) {
		t.Error("the page does not show what was typed before the proof")
	}
	if got := b.post(at); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "This field is empty") {
		t.Errorf("got %d without a reason, want 422", got.StatusCode)
	}
	b.goes("/console/people/"+string(member.ID)+"?done=suspend", at, "reason", "left the garage")
	if u := p.User(string(member.ID)); u.Status != account.StatusSuspended {
		t.Errorf("got status %s, want suspended", u.Status)
	}
	if e := p.Events(audit.UserSuspended)[0]; e.Detail["reason"] != "left the garage" || e.Actor.ID != string(admin.user.ID) {
		t.Errorf("the event says %v by %s", e.Detail, e.Actor.ID)
	}
}
