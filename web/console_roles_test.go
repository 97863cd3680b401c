package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/notice"
)

func TestConsole_GivesAndTakesARole(t *testing.T) {
	p := open(t, nil)
	north, south := p.CreateGroup("Garage du Nord"), p.CreateGroup("Garage du Sud")
	member, _, session := p.Member(bruno, func(u *account.User) { u.FirstName, u.LastName = "Bruno", "Lefèvre" })
	b, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	at := "/console/roles/" + string(member.ID)
	const desk = "HELP_DESK_ADMIN"
	for name, x := range map[string]struct {
		fields []string
		want   string
	}{
		"no garage said":         {[]string{"type", desk, "where", "named", "groups", " \n"}, "This field is empty"},
		"an unknown garage":      {[]string{"type", desk, "where", "named", "groups", "Garage du Port"}, "No garage has this name"},
		"all and one":            {[]string{"type", desk, "where", "all", "groups", "Garage du Nord"}, "Choose one of both"},
		"an unknown role":        {[]string{"type", "ORG_ADMIN", "where", "all"}, "This choice does not exist"},
		"neither all nor named":  {[]string{"type", desk}, "This field is empty"},
		"a limited higher admin": {[]string{"type", "SUPER_ADMIN", "where", "named", "groups", "Garage du Nord"}, "This role is for all garages"},
	} {
		if got := admin.acts(at+"/assign", x.fields...); got.StatusCode < 400 || !strings.Contains(got.body, x.want) {
			t.Errorf("%s: got %d, want %q", name, got.StatusCode, x.want)
		}
	}
	waits := waitsFor(t, admin.acts(at+"/assign", "type", desk, "where", "named", "groups", "garage du nord\n"+string(south)), "role")
	if len(p.User(bruno).Roles) != 0 {
		t.Fatal("one administrator alone gave a role")
	}
	second, other := p.administrator(t, "second@garage.example", account.RoleSuperAdmin)
	other.proves("/console")
	for _, path := range []string{waits, waits + "/approve", waits + "/reject"} { // a link can lead to each
		if got := second.get(path); !strings.Contains(got.body, "Garage du Nord, Garage du Sud") || !strings.Contains(got.body, "Help desk") {
			t.Errorf("%s does not show the role and its garages:\n%s", path, got.body)
		}
	}
	if got := other.acts(waits + "/approve"); got.next() != "/console/approvals?done=approval_approve" {
		t.Fatalf("approving: got %d to %q\n%s", got.StatusCode, got.next(), got.body)
	}
	other.wantReason(audit.RoleGranted)
	authntest.Mailed[notice.RoleChanged](t, p.Env, bruno)
	role := p.User(bruno).Roles[0]
	if role.Role != account.RoleHelpDesk || len(role.Groups) != 2 {
		t.Fatalf("got %+v", role)
	}
	for _, path := range []string{"/console/roles", "/console/roles?role=" + desk, "/console/roles?group=" + string(north), "/console/groups/" + string(north)} {
		if got := b.get(path); !strings.Contains(got.body, "Bruno Lefèvre") {
			t.Errorf("%s does not show the administrator", path)
		}
	}
	if got := b.get("/console/roles?role=READ_ONLY_ADMIN"); strings.Contains(got.body, "Bruno Lefèvre") {
		t.Error("the list of another role shows the administrator")
	}
	of := at + "/" + role.ID
	if got := admin.acts(of+"/remove_group", "group", string(south)); got.next() != at+"?done=role_remove_group" {
		t.Errorf("removing a garage: got %d to %q", got.StatusCode, got.next())
	}
	if got := admin.acts(of+"/remove_group", "group", "Garage du Nord"); got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "last garage") {
		t.Errorf("the last garage: got %d", got.StatusCode)
	}
	admin.wantReason(audit.RoleLimited)
	waits = waitsFor(t, admin.acts(of+"/add_group", "group", "Garage du Sud"), "role")
	if got := second.get(waits); len(p.User(bruno).Roles[0].Groups) != 1 || !strings.Contains(got.body, "Additional garage") || !strings.Contains(got.body, "Garage du Sud") {
		t.Errorf("a further garage by one administrator alone:\n%s", got.body)
	}
	if got := other.acts(waits + "/approve"); len(p.User(bruno).Roles[0].Groups) != 2 {
		t.Errorf("approving a further garage: got %d to %q", got.StatusCode, got.next())
	}
	if got := admin.acts(of + "/revoke"); got.next() != at+"?done=role_revoke" {
		t.Errorf("revoking: got %d to %q", got.StatusCode, got.next())
	}
	if _, err := p.Sessions.Authenticate(t.Context(), session); err == nil {
		t.Error("the session goes on without the role")
	}
}

// Nobody gives a role above their own, to themselves, or without a proof and a reason.
func TestConsole_RolesObeyTheRules(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, nil)
	b, admin := p.administrator(t, "people@garage.example", account.RoleUserAdmin)
	own, at := "/console/roles/"+string(admin.user.ID), "/console/roles/"+string(member.ID)
	p.Clock.Advance(account.StepUpTTL)
	if got := b.post(at+"/assign", "type", "HELP_DESK_ADMIN", "where", "all", "reason", "x"); !strings.HasPrefix(got.next(), "/account/prove?") {
		t.Errorf("without a proof: got %d to %q", got.StatusCode, got.next())
	}
	admin.steady()
	if got := b.post(at+"/assign", "type", "HELP_DESK_ADMIN", "where", "all"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: got %d", got.StatusCode)
	}
	if got := admin.acts(at+"/assign", "type", "USER_ADMIN", "where", "all"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("an equal role: got %d", got.StatusCode)
	}
	if got := admin.acts(own+"/assign", "type", "HELP_DESK_ADMIN", "where", "all"); got.StatusCode != http.StatusForbidden {
		t.Errorf("to oneself: got %d", got.StatusCode)
	}
	if got := admin.acts(own + "/" + admin.user.Roles[0].ID + "/revoke"); got.StatusCode != http.StatusForbidden {
		t.Errorf("revoking one's own: got %d", got.StatusCode)
	}
	if n := len(p.Events(audit.RoleGranted, audit.RoleRevoked)); n != 0 {
		t.Errorf("got %d events", n)
	}
}

// Two administrators reset an equal in their browsers; each alone does not.
func TestConsole_TwoAdministratorsResetAnEqual(t *testing.T) {
	p := open(t, nil)
	victim, _, _ := p.Member("jeanne@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin)}
	})
	one, first := p.administrator(t, "agnes@garage.example", account.RoleSuperAdmin)
	two, second := p.administrator(t, "bruno@garage.example", account.RoleSuperAdmin)
	approval := first.asksReset(t, victim)
	at := "/console/approvals/" + approval
	if got := two.get("/console"); !strings.Contains(got.body, `Approvals <b class="count">1</b>`) {
		t.Error("the navigation does not show that a reset waits for an approval")
	}
	if got := two.get("/console/approvals"); !strings.Contains(got.body, at) || !strings.Contains(got.body, "lost in the pit") {
		t.Error("the list does not show the request")
	}
	if got := one.get(at); strings.Contains(got.body, at+"/approve") || !strings.Contains(got.body, at+"/withdraw") {
		t.Error("who asked is offered the approval")
	}
	if got := first.acts(at + "/approve"); got.StatusCode != http.StatusForbidden {
		t.Errorf("the first alone: got %d", got.StatusCode)
	}
	p.Clock.Advance(account.StepUpTTL)
	if got := two.post(at+"/approve", "reason", "called her"); !strings.HasPrefix(got.next(), "/account/prove?") {
		t.Errorf("without a proof: got %d to %q", got.StatusCode, got.next())
	}
	if len(p.User(string(victim.ID)).Devices) == 0 {
		t.Fatal("reset by one alone")
	}
	if got := second.acts(at + "/approve"); got.next() != "/console/approvals?done=approval_approve" {
		t.Fatalf("got %d to %q\n%s", got.StatusCode, got.next(), got.body)
	}
	second.wantReason(audit.FactorsReset)
	if len(p.User(string(victim.ID)).Devices) != 0 {
		t.Error("the devices are not reset")
	}
}

func TestConsole_RejectsAnApproval(t *testing.T) {
	p := open(t, nil)
	victim, _, _ := p.Member("jeanne@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin)}
	})
	_, first := p.administrator(t, "agnes@garage.example", account.RoleSuperAdmin)
	two, second := p.administrator(t, "bruno@garage.example", account.RoleSuperAdmin)
	low, _ := p.administrator(t, "low@garage.example", account.RoleHelpDesk)
	at := "/console/approvals/" + first.asksReset(t, victim)
	if got := low.post(at+"/reject", "reason", "no"); got.StatusCode != http.StatusForbidden && !strings.HasPrefix(got.next(), "/account/prove?") {
		t.Errorf("a lower role: got %d to %q", got.StatusCode, got.next())
	}
	p.Clock.Advance(account.StepUpTTL)
	if got := two.post(at+"/reject", "reason", "no"); !strings.HasPrefix(got.next(), "/account/prove?") {
		t.Errorf("another without a proof: got %d to %q", got.StatusCode, got.next())
	}
	if got := second.acts(at + "/reject"); got.next() != "/console/approvals?done=approval_reject" {
		t.Errorf("another: got %d to %q", got.StatusCode, got.next())
	}
	second.wantReason(audit.ResetRefused)
	at = "/console/approvals/" + first.asksReset(t, victim)
	p.Clock.Advance(account.StepUpTTL)
	if got := first.post(at+"/withdraw", "reason", "found it"); got.next() != "/console/approvals?done=approval_withdraw" {
		t.Errorf("who asked, without a proof: got %d to %q", got.StatusCode, got.next())
	}
}

func TestConsole_MakesATokenThatIsShownOnce(t *testing.T) {
	p := open(t, nil)
	north := p.CreateGroup("Garage du Nord")
	b, admin := p.administrator(t, "people@garage.example", account.RoleUserAdmin)
	fields := []string{"name", "planning", "role", "HELP_DESK_ADMIN", "where", "named", "groups", "Garage du Nord", "days", "30", "once", "A"}
	made := admin.acts("/console/tokens/new", fields...)
	if made.StatusCode != http.StatusOK || !strings.Contains(made.body, "brl_") || made.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d\n%s", made.StatusCode, made.body)
	}
	admin.wantReason(audit.TokenCreated)
	if again := admin.acts("/console/tokens/new", fields...); !strings.Contains(again.next(), "again=sent_before") || strings.Contains(again.body, "brl_") {
		t.Errorf("the same form again: got %d to %q", again.StatusCode, again.next())
	}
	tokens, _, err := p.Directory.Admin.Tokens(t.Context(), authntest.AsOperator, "", 0)
	if err != nil || len(tokens) != 1 {
		t.Fatalf("got %d tokens, %v", len(tokens), err)
	}
	tok := tokens[0]
	if tok.Owner != string(admin.user.ID) || tok.Secrets || tok.Authn || len(tok.Groups) != 1 || tok.Groups[0] != north || !tok.Expires.Equal(tok.Created.Add(30*24*time.Hour)) {
		t.Errorf("got %+v", tok)
	}
	if got := b.get("/console/tokens"); !strings.Contains(got.body, "planning") || strings.Contains(got.body, "brl_") {
		t.Error("the list lacks the token, or shows its secret")
	}
	for name, fields := range map[string][]string{
		"a higher role":    {"name", "x", "role", "SUPER_ADMIN", "where", "all", "days", "30"},
		"too many days":    {"name", "x", "role", "HELP_DESK_ADMIN", "where", "all", "days", "366"},
		"no number":        {"name", "x", "role", "HELP_DESK_ADMIN", "where", "all", "days", "1e1"},
		"an unsaid garage": {"name", "x", "role", "HELP_DESK_ADMIN", "where", "named", "days", "30"},
	} {
		if got := admin.acts("/console/tokens/new", fields...); got.StatusCode != http.StatusUnprocessableEntity || strings.Contains(got.body, "brl_") {
			t.Errorf("%s: got %d", name, got.StatusCode)
		}
	}
	admin.acts("/console/tokens/new", "name", "greedy", "role", "HELP_DESK_ADMIN", "where", "all", "days", "30", "allow", "secrets", "secrets", "yes", "authn", "yes", "owner", bruno)
	tokens, _, _ = p.Directory.Admin.Tokens(t.Context(), authntest.AsOperator, "", 0)
	for _, tok := range tokens {
		if tok.Secrets || tok.Authn || tok.Owner != string(admin.user.ID) {
			t.Errorf("fields that the form lacks were read: %+v", tok)
		}
	}
	at := "/console/tokens/" + tok.ID + "/revoke"
	if got := admin.acts(at); got.next() != "/console/tokens?done=token_revoke" {
		t.Errorf("revoking: got %d to %q", got.StatusCode, got.next())
	}
	admin.wantReason(audit.TokenRevoked)
	if got := admin.get(at); got.StatusCode != http.StatusNotFound {
		t.Errorf("a revoked token: got %d", got.StatusCode)
	}
}

// A manager makes tokens for their garages only, and neither sees nor revokes those of others.
func TestConsole_ManagerHasOnlyTheirTokens(t *testing.T) {
	p := open(t, nil)
	north, south := p.CreateGroup("Garage du Nord"), p.CreateGroup("Garage du Sud")
	_, root := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	root.acts("/console/tokens/new", "name", "of root", "role", "READ_ONLY_ADMIN", "where", "all", "days", "30")
	tokens, _, err := p.Directory.Admin.Tokens(t.Context(), authntest.AsOperator, "", 0)
	if err != nil || len(tokens) != 1 {
		t.Fatalf("got %d tokens, %v", len(tokens), err)
	}
	b, manager := p.administrator(t, "manager@garage.example", account.RoleUserAdmin, north)
	if got := b.get("/console/tokens"); strings.Contains(got.body, "of root") {
		t.Error("the list shows a token of another")
	}
	manager.steady()
	if got := b.get("/console/tokens/" + tokens[0].ID + "/revoke"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the page of a token of another: got %d", got.StatusCode)
	}
	if got := manager.acts("/console/tokens/" + tokens[0].ID + "/revoke"); got.StatusCode != http.StatusNotFound {
		t.Errorf("revoking a token of another: got %d", got.StatusCode)
	}
	for name, own := range map[string]string{"another garage": string(south), "none": ""} {
		if got := manager.acts("/console/tokens/new", "name", "x", "role", "USER_ADMIN", "own", own, "where", "all", "days", "30"); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d", name, got.StatusCode)
		}
	}
	if got := manager.acts("/console/tokens/new", "name", "mine", "role", "USER_ADMIN", "own", string(north), "days", "30"); !strings.Contains(got.body, "brl_") {
		t.Errorf("for the own garage: got %d\n%s", got.StatusCode, got.body)
	}
}

// A cursor that no list gave answers as a page that does not exist, or the next one: never an internal error.
func TestConsole_UnknownCursors(t *testing.T) {
	p := open(t, nil)
	group := p.CreateGroup("Garage du Nord")
	b, _ := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	m, _ := p.administrator(t, "manager@garage.example", account.RoleUserAdmin, group)
	for _, path := range []string{"/console/groups", "/console/groups/" + string(group), "/console/roles", "/console/approvals", "/console/tokens"} {
		for _, after := range []string{"x", "%2F", "a%2Fb%2Fc%2Fd", "%00", "sealed-", "sealed-AAAA", "..", "%C3%A9", strings.Repeat("g", 500), strings.Repeat("g", 390)} {
			for _, one := range []*browser{b, m} {
				if got := one.get(path + "?after=" + after); got.StatusCode >= 500 {
					t.Errorf("%s?after=%s: got %d", path, after, got.StatusCode)
				}
			}
		}
	}
}

// waitsFor returns the path of the approval for which an operation waits.
func waitsFor(t *testing.T, got page, operation string) string {
	t.Helper()
	at, asked := strings.CutSuffix(got.next(), "?done="+operation+"_asked")
	if !asked || !strings.HasPrefix(at, "/console/approvals/") {
		t.Fatalf("got %d to %q, want an approval of %s\n%s", got.StatusCode, got.next(), operation, got.body)
	}
	return at
}

// asksReset asks for the reset of an equal in the session, and returns the id of the approval.
func (a *proving) asksReset(t *testing.T, u account.User) string {
	t.Helper()
	a.steady()
	got := a.post("/console/people/"+string(u.ID)+"/reset", "method", "photo_document", "reason", "lost in the pit")
	return strings.TrimPrefix(waitsFor(t, got, "reset"), "/console/approvals/")
}
