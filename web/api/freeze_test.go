package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
)

func TestFreezeFactors_BlocksOneOrAll(t *testing.T) {
	d := open(t)
	support := d.token(account.RoleHelpDesk, nil)
	u, _, session := d.Member("zoe@garage.example", nil)
	path, device := "/api/v1/users/"+u.Login, string(u.Devices[0].ID)
	one := read[tree](t, d.call("POST", path+"/factors/"+device+"/lifecycle/freeze", support, `{"reason":"stolen"}`), 200)
	if frozen := one["frozen"].([]any); len(frozen) != 1 || frozen[0].(map[string]any)["id"] != device || one["sessionsEnded"] != 1.0 {
		t.Errorf("got %v", one)
	}
	if _, err := d.Sessions.Authenticate(t.Context(), session); err == nil {
		t.Error("the session goes on")
	}
	if listed := read[[]tree](t, d.call("GET", path+"/factors", support, ""), 200); listed[0]["status"] != "INACTIVE" || listed[0]["frozen"] == nil {
		t.Errorf("got %v", listed)
	}
	problem(t, d.call("POST", path+"/factors/"+device+"/verify", support, `{"passCode":"123456"}`), 409)
	again := read[tree](t, d.call("POST", path+"/lifecycle/freeze_factors", support, ""), 200)
	if frozen := again["frozen"].([]any); len(frozen) != 0 {
		t.Errorf("frozen twice: %v", again)
	}
	long := `{"reason":"` + strings.Repeat("x", 501) + `"}`
	problem(t, d.call("POST", path+"/lifecycle/freeze_factors", support, long), 400)
	problem(t, d.call("POST", path+"/factors/"+device+"/lifecycle/freeze", support, long), 400)
	problem(t, d.call("POST", path+"/factors/d0/lifecycle/freeze", support, ""), 404)
	problem(t, d.call("POST", "/api/v1/users/nobody/lifecycle/freeze_factors", support, ""), 404)

	boss, _, _ := d.Member("boss@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleSuperAdmin}} })
	problem(t, d.local("POST", "/api/v1/users/"+boss.Login+"/lifecycle/freeze_factors", ""), 409)
	problem(t, d.local("POST", "/api/v1/users/"+boss.Login+"/factors/"+string(boss.Devices[0].ID)+"/lifecycle/freeze", ""), 409)

	gone, _, _ := d.Member("gone@garage.example", nil)
	d.Change(gone.ID, func(u *account.User) { u.Status = account.StatusDeactivated })
	problem(t, d.call("POST", "/api/v1/users/"+string(gone.ID)+"/lifecycle/freeze_factors", support, ""), 409)
	problem(t, d.call("POST", "/api/v1/users/"+string(gone.ID)+"/factors/"+string(gone.Devices[0].ID)+"/lifecycle/freeze", support, ""), 409)
}
