package api_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
)

// boss makes somebody active with a role and a device, and the tokens of theirs.
func (d *apiEnv) boss(login string, role account.Role, tokens int) (account.User, []string) {
	d.T.Helper()
	u, _, _ := d.Member(login, nil)
	d.Change(u.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: role}} })
	var out []string
	for range tokens {
		out = append(out, d.token(role, func(n *admin.NewToken) { n.Owner = login }))
	}
	return d.User(login), out
}

func TestResetApproval_SecondAdministratorApproves(t *testing.T) {
	d := open(t)
	zoe, _ := d.boss("zoe@garage.example", account.RoleUserAdmin, 0)
	_, ines := d.boss("ines@garage.example", account.RoleUserAdmin, 2)
	_, paul := d.boss("paul@garage.example", account.RoleUserAdmin, 1)
	reset := "/api/v1/users/" + string(zoe.ID) + "/lifecycle/reset_factors"
	first := d.call("POST", reset, ines[0], `{"reason":"lost"}`, "Idempotency-Key", "k")
	asked := read[tree](t, first, 202)
	id, _ := asked.get("id").(string)
	for name, want := range map[string]any{"status": "PENDING", "userId": string(zoe.ID), "login": zoe.Login, "reason": "lost",
		"created": "2026-03-02T08:00:00.000Z", "expiresAt": "2026-03-03T08:00:00.000Z"} {
		if got := asked[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if again := read[tree](t, d.call("POST", reset, ines[0], `{"reason":"lost"}`, "Idempotency-Key", "k"), 202); again.get("id") != id {
		t.Errorf("repeated: got %v", again)
	}
	one := "/api/v1/approvals/" + id
	if got := read[tree](t, d.call("GET", one, paul[0], ""), 200); got.get("id") != id || got.get("_links", "approve", "href") != "https://login.example"+one {
		t.Errorf("got %v", got)
	}
	for _, path := range []string{"/api/v1/approvals", "/api/v1/reset-approvals"} { // the older name
		if got := read[[]tree](t, d.call("GET", path, paul[0], ""), 200); len(got) != 1 {
			t.Errorf("%s: got %v", path, got)
		}
	}
	for name, token := range map[string]string{"the same token": ines[0], "another token of the same owner": ines[1], "support": d.token(account.RoleHelpDesk, nil)} {
		if doc := problem(t, d.call("POST", one, token, ""), 403); doc.ErrorCode != "E0000006" {
			t.Errorf("%s: got %s", name, doc.ErrorCode)
		}
	}
	if got := len(d.User(zoe.Login).Devices); got == 0 {
		t.Fatal("reset by one owner alone")
	}
	receipt := read[tree](t, d.call("POST", one, paul[0], "", "Idempotency-Key", "second"), 200)
	if receipt.get("userId") != string(zoe.ID) || phonesCleared(receipt) != 1.0 || receipt.get("mailed") != true || receipt.get("ticket", "code") != nil {
		t.Errorf("got %v", receipt)
	}
	if again := d.call("POST", one, paul[0], "", "Idempotency-Key", "second"); again.Code != 200 || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("repeated: got %d %s", again.Code, again.Body)
	}
	problem(t, d.call("POST", one, paul[0], ""), 404)
	if got := len(d.User(zoe.Login).Devices); got != 0 {
		t.Errorf("got %d devices", got)
	}
}

func TestResetApproval_RejectedAndRequestedAgain(t *testing.T) {
	d := open(t)
	zoe, own := d.boss("zoe@garage.example", account.RoleUserAdmin, 1)
	_, ines := d.boss("ines@garage.example", account.RoleUserAdmin, 1)
	_, paul := d.boss("paul@garage.example", account.RoleUserAdmin, 1)
	last := ""
	for name, token := range map[string]string{"who asked": ines[0], "who could agree": paul[0], "the person": own[0]} {
		asked := read[tree](t, d.call("POST", "/api/v1/users/"+zoe.Login+"/lifecycle/reset_factors", ines[0], ""), 202)
		one := "/api/v1/approvals/" + asked.get("id").(string)
		if one == last {
			t.Errorf("%s: the same id again", name)
		}
		problem(t, d.call("DELETE", one, d.token(account.RoleReadOnly, nil), ""), 403)
		if w := d.call("DELETE", one, token, ""); w.Code != 204 {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
		problem(t, d.call("POST", one, paul[0], ""), 404)
		problem(t, d.call("GET", one, paul[0], ""), 404)
		last = one
	}
}

// An administrator with any number of tokens tries each route to a reset of an equal, or to more permissions.
func TestResetApproval_OneOwnerCannotApproveAlone(t *testing.T) {
	d := open(t)
	zoe, _ := d.boss("zoe@garage.example", account.RoleSuperAdmin, 0)
	eve, tokens := d.boss("eve@garage.example", account.RoleSuperAdmin, 2)
	reset := "/api/v1/users/" + string(zoe.ID) + "/lifecycle/reset_factors"
	asked := read[tree](t, d.call("POST", reset, tokens[0], ""), 202)
	one := "/api/v1/approvals/" + asked.get("id").(string)

	// A user that the administrator created has no token, and tokens belong to their creator.
	problem(t, d.call("POST", "/api/v1/users?activate=false", tokens[0], `{"profile":{"login":"puppet@garage.example"},"role":"SUPER_ADMIN"}`), 403)
	puppet := read[tree](t, d.call("POST", "/api/v1/users?activate=false", tokens[0], `{"profile":{"login":"puppet@garage.example"}}`), 200)
	read[tree](t, d.call("POST", "/api/v1/users/puppet@garage.example/roles", tokens[0], `{"type":"SUPER_ADMIN"}`), 202)
	problem(t, d.call("POST", "/api/v1/api-tokens", tokens[0], `{"name":"x","role":"SUPER_ADMIN","owner":"`+puppet.get("id").(string)+`"}`), 403)
	made := read[tree](t, d.call("POST", "/api/v1/api-tokens", tokens[0], `{"name":"x","role":"SUPER_ADMIN"}`), 201)
	if made.get("owner") != string(eve.ID) {
		t.Errorf("got a token of %v", made.get("owner"))
	}
	for _, token := range append(tokens, made.get("token").(string)) {
		problem(t, d.call("POST", one, token, ""), 403)
		problem(t, d.call("POST", reset, token, `{"sendEmail":false}`), 403)
		problem(t, d.call("POST", reset, token, `{"showCode":true}`), 403)
		problem(t, d.call("DELETE", "/api/v1/users/"+string(zoe.ID)+"/factors/"+string(zoe.Devices[0].ID), token, ""), 403)
		problem(t, d.call("POST", "/api/v1/users/"+string(zoe.ID)+"/lifecycle/reset_password", token, ""), 403)
		problem(t, d.call("POST", "/api/v1/users/"+string(zoe.ID), token, `{"profile":{"email":"eve2@garage.example"}}`), 403)
		// Nor for oneself.
		problem(t, d.call("POST", "/api/v1/users/"+eve.Login+"/roles", token, `{"type":"USER_ADMIN"}`), 403)
		problem(t, d.call("POST", "/api/v1/users/"+eve.Login+"/lifecycle/reset_factors", token, ""), 403)
	}
	// After the loss of the role, the user is still an equal of the one who revoked it.
	if w := d.call("DELETE", "/api/v1/users/"+string(zoe.ID)+"/roles/r1", tokens[0], ""); w.Code != 204 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for _, token := range append(tokens, made.get("token").(string)) {
		read[tree](t, d.call("POST", reset, token, ""), 202)
		problem(t, d.call("DELETE", "/api/v1/users/"+string(zoe.ID)+"/factors/"+string(zoe.Devices[0].ID), token, ""), 403)
	}
	if got := d.User(zoe.Login); len(got.Devices) != len(zoe.Devices) || len(got.Tickets) != 0 {
		t.Errorf("got %d devices, %d tickets", len(got.Devices), len(got.Tickets))
	}
}

func TestResetApproval_ClosedHelpRequestIsRejected(t *testing.T) {
	d := open(t)
	zoe, _ := d.boss("zoe@garage.example", account.RoleUserAdmin, 0)
	_, ines := d.boss("ines@garage.example", account.RoleUserAdmin, 1)
	_, paul := d.boss("paul@garage.example", account.RoleUserAdmin, 1)
	if _, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: zoe.Login, Message: "perdu"}); err != nil {
		t.Fatal(err)
	}
	help := read[[]tree](t, d.local("GET", "/api/v1/help-requests", ""), 200)[0].get("id").(string)
	asked := read[tree](t, d.call("POST", "/api/v1/users/"+string(zoe.ID)+"/lifecycle/reset_factors", ines[0],
		`{"helpRequestId":"`+help+`","identityCheck":{"method":"photo_document"}}`), 202)
	read[tree](t, d.local("PATCH", "/api/v1/help-requests/"+help, `{"status":"rejected"}`), 200)
	doc := problem(t, d.call("POST", "/api/v1/approvals/"+asked.get("id").(string), paul[0], ""), 409)
	if doc.ErrorCode != "E0000038" || len(d.User(zoe.Login).Devices) == 0 {
		t.Errorf("got %+v, want it refused and nothing reset", doc)
	}
}

// A role, a further group of one and an address wait for another administrator, who sees what would change.
func TestApproval_RoleAndAddress(t *testing.T) {
	d := open(t)
	lea, _ := d.boss("lea@garage.example", account.RoleReadOnly, 0)
	_, eve := d.boss("eve@garage.example", account.RoleSuperAdmin, 1)
	_, paul := d.boss("paul@garage.example", account.RoleSuperAdmin, 1)
	group := string(d.CreateGroup("Garage du Port"))
	other := string(d.CreateGroup("Garage du Nord"))
	at := "/api/v1/users/" + string(lea.ID)
	approves := func(waits tree) tree {
		t.Helper()
		one := "/api/v1/approvals/" + waits.get("id").(string)
		problem(t, d.call("POST", one, eve[0], ""), 403)
		if got := read[tree](t, d.call("GET", one, paul[0], ""), 200); got.get("operation") != waits.get("operation") {
			t.Errorf("got %v, want %v", got, waits)
		}
		return read[tree](t, d.call("POST", one, paul[0], ""), 200)
	}
	waits := read[tree](t, d.call("POST", at+"/roles", eve[0], `{"type":"HELP_DESK_ADMIN","targets":["`+group+`"]}`), 202)
	if waits.get("operation") != "role" || waits.get("role", "type") != "HELP_DESK_ADMIN" || waits.get("status") != "PENDING" {
		t.Errorf("got %v", waits)
	}
	problem(t, d.call("POST", at+"/roles", eve[0], `{"type":"USER_ADMIN"}`), 409)
	role := approves(waits)
	if role.get("type") != "HELP_DESK_ADMIN" {
		t.Errorf("got %v", role)
	}
	target := at + "/roles/" + role.get("id").(string) + "/targets/groups/" + other
	if got := approves(read[tree](t, d.call("PUT", target, eve[0], ""), 202)); got.get("id") != role.get("id") || len(got.get("targets").([]any)) != 2 {
		t.Errorf("got %v", got)
	}
	if w := d.call("PUT", target, eve[0], ""); w.Code != 204 {
		t.Errorf("a group that is a target: got %d", w.Code)
	}
	waits = read[tree](t, d.call("POST", at, eve[0], `{"profile":{"email":"Lea.New@garage.example","locale":"fr_CA","department":"Atelier"}}`), 202)
	if waits.get("profile", "email") != "Lea.New@garage.example" || waits.get("profile", "department") != "Atelier" || waits.get("profile", "login") != nil {
		t.Errorf("got %v", waits)
	}
	if again := read[tree](t, d.call("PUT", at, eve[0], `{"profile":{"login":"lea@garage.example","email":"Lea.New@garage.example","locale":"fr_CA","department":"Atelier","firstName":"`+lea.FirstName+`","lastName":"`+lea.LastName+`"}}`), 202); again.get("id") != waits.get("id") {
		t.Errorf("the same change as a whole profile: got %v, want %v", again, waits)
	}
	user := approves(waits)
	if user.get("profile", "email") != "Lea.New@garage.example" || user.get("profile", "locale") != "fr_CA" || user.get("profile", "department") != "Atelier" {
		t.Errorf("got %v", user)
	}
}
