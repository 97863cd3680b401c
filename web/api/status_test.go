package api_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// Operations that could lock a user out, or let one in, in a status that does not allow them.
func TestStatus_RejectsImpossibleOperations(t *testing.T) {
	d := open(t)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	gone, _, _ := d.Member("gone@garage.example", nil)
	boss, _, _ := d.Member("boss@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleSuperAdmin}} })
	holder, phone := "/api/v1/users/"+string(boss.ID), "/api/v1/users/"+string(gone.ID)+"/factors/"
	offered, _ := d.offered(secrets, gone)
	d.Change(gone.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	path := "/api/v1/users/" + string(gone.ID)
	passwords := `{"oldPassword":{"value":"dix clefs et un tournevis"},"newPassword":{"value":"onze clefs et un marteau"}}`
	garage := d.CreateGroup("Garage du Port")
	for _, c := range []struct {
		method, path, token, body string
		want                      int
	}{
		{"POST", path + "/credentials/change_password", secrets, passwords, 409},
		{"POST", path + "/credentials/change_password", d.token(account.RoleHelpDesk, nil), passwords, 403},
		{"POST", "/api/v1/users/nobody@garage.example/credentials/change_password", secrets, passwords, 404},
		{"POST", path + "/lifecycle/expire_password", secrets, "", 409},
		{"POST", path + "/lifecycle/expire_password_with_temp_password", secrets, "", 409},
		{"POST", path + "/factors", secrets, totpBody, 409},
		{"POST", phone + string(offered.Device) + "/lifecycle/activate", secrets, code(offered), 409},
		{"GET", phone + string(offered.Device) + "/qr", secrets, "", 409},
		{"DELETE", holder + "/roles/r1", secrets, "", 409}, // nobody would be left
		{"PUT", holder + "/roles/r1/targets/groups/" + string(garage), secrets, "", 409},
		{"PUT", holder + "/roles/r1/targets/groups/" + string(garage), secrets, `{"x":1}`, 400},
		{"DELETE", holder + "/roles/r1/targets/groups/" + string(garage), secrets, `{"x":1}`, 400},
		{"PUT", "/api/v1/webhooks/w1", secrets, `{"name":"","url":"https://hooks.example.com/","events":["*"]}`, 400},
		{"GET", "/api/v1/webhooks?limit=none", secrets, "", 400},
		{"GET", "/api/v1/api-tokens?limit=none", secrets, "", 400},
		{"GET", "/api/v1/approvals?limit=none", secrets, "", 400},
		{"GET", path + "/groups?limit=none", secrets, "", 400},
	} {
		if w := d.call(c.method, c.path, c.token, c.body); w.Code != c.want {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, w.Code, w.Body, c.want)
		}
	}
	if u := d.User("gone@garage.example"); len(u.Devices) != 1 || u.Password.Provenance != gone.Password.Provenance {
		t.Error("a refused call did something")
	}
	d.Change(gone.ID, func(u *account.User) {
		u.Status = account.StatusActive
		for len(u.Devices) < 5 {
			more := u.Devices[0]
			more.ID += "x"
			u.Devices = append(u.Devices, more)
		}
	})
	problem(t, d.call("POST", path+"/factors", secrets, totpBody), 409)
	problem(t, d.call("POST", path+"/factors/"+string(offered.Device)+"/lifecycle/activate", secrets, code(offered)), 409)
}

// A body is checked first, whatever the method is.
func TestStatus_RejectsMalformedBodiesFirst(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	admin := d.admin()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, place := range c.operations() {
		method, path := d.concrete(pattern, u)
		if body, _ := c.at(place + "/requestBody"); body == nil || method != "PUT" && method != "DELETE" {
			continue
		}
		problem(t, d.call(method, path, admin, "a=b", "Content-Type", "text/plain"), 415)
		problem(t, d.call(method, path, admin, `{"broken`), 400)
		problem(t, d.call(method, path, admin, `{"x":"`+string(make([]byte, 70<<10))+`"}`), 413)
	}
}
