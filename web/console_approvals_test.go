package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
)

// asksForAnotherBadge asks for another number and another badge of a user, and returns the path of the approval.
func (a *proving) asksForAnotherBadge(t *testing.T, u account.User) string {
	t.Helper()
	var p admin.Principal
	number := "+33612345678"
	err := a.place.Accounts.View(t.Context(), func(r account.Reader) (err error) {
		p, err = admin.UserPrincipal(r, a.user.ID, a.user.Epoch, a.place.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, waits, err := a.place.Approvals.UpdateUser(t.Context(), p, a.place.From, string(u.ID),
		directory.ProfileChange{MobilePhone: &number, Custom: map[string]json.RawMessage{"badge": []byte(`"13"`)}})
	if err != nil || waits == nil {
		t.Fatalf("got %v, %v, want an approval", waits, err)
	}
	return "/console/approvals/" + waits.ID
}

func TestConsole_ApprovalShowsWhatChanges(t *testing.T) {
	p := open(t, nil)
	victim, _, _ := p.Member("jeanne@garage.example", func(u *account.User) { u.Profile = []byte(`{"badge":"12"}`) })
	_, first := p.administrator(t, "agnes@garage.example", account.RoleUserAdmin)
	two, _ := p.administrator(t, "bruno@garage.example", account.RoleUserAdmin)
	got := two.shows(first.asksForAnotherBadge(t, victim))
	for _, want := range []string{"badge", "&#34;12&#34;", "&#34;13&#34;", "33612345678"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
}

// A decision is offered to an administrator whose role allows the operation, and to the one who asked as a withdrawal.
func TestConsole_ApprovalIsOfferedToWhoMayDecide(t *testing.T) {
	p := open(t, nil)
	victim, _, _ := p.Member("jeanne@garage.example", nil)
	one, first := p.administrator(t, "agnes@garage.example", account.RoleUserAdmin)
	two, _ := p.administrator(t, "bruno@garage.example", account.RoleUserAdmin)
	helper, _ := p.administrator(t, "helper@garage.example", account.RoleHelpDesk)
	at := first.asksForAnotherBadge(t, victim)
	for _, x := range []struct {
		name   string
		b      *browser
		offers string
	}{{"who asked", one, "withdraw"}, {"another", two, "approve reject"}, {"the help desk", helper, ""}} {
		body := x.b.shows(at).body
		for _, decision := range []string{"approve", "reject", "withdraw"} {
			if got, want := strings.Contains(body, `href="`+at+"/"+decision+`"`), strings.Contains(x.offers, decision); got != want {
				t.Errorf("%s is offered %s: %v, want %v", x.name, decision, got, want)
			}
		}
	}
}

// The page of a user leads to what waits for an approval, until it is withdrawn.
func TestPerson_ShowsWhatWaitsForAnApproval(t *testing.T) {
	p := open(t, nil)
	nord := p.CreateGroup("Garage du Nord")
	victim, _, _ := p.Member("jeanne@garage.example", func(u *account.User) { u.Groups = []account.GroupID{nord} })
	_, first := p.administrator(t, "agnes@garage.example", account.RoleSuperAdmin)
	two, _ := p.administrator(t, "bruno@garage.example", account.RoleHelpDesk)
	manager, _ := p.administrator(t, "manager@garage.example", account.RoleUserAdmin, nord)
	person := "/console/people/" + string(victim.ID)
	role := waitsFor(t, first.acts("/console/roles/"+string(victim.ID)+"/assign", "type", "HELP_DESK_ADMIN", "where", "all"), "role")
	profile := first.asksForAnotherBadge(t, victim)
	for _, at := range []string{role, profile} {
		if !strings.Contains(two.shows(person).body, at) {
			t.Errorf("the page does not lead to %s", at)
		}
	}
	if body := manager.shows(person).body; strings.Contains(body, role) || !strings.Contains(body, profile) {
		t.Error("the manager of a garage sees the role, or not the profile")
	}
	if got := first.acts(profile + "/withdraw"); got.next() != "/console/approvals?done=approval_withdraw" {
		t.Errorf("got %d to %q\n%s", got.StatusCode, got.next(), got.body)
	}
	if strings.Contains(two.shows(person).body, profile) {
		t.Error("the page leads to a request that was withdrawn")
	}
}
