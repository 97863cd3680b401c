package api_test

import (
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

func TestLockoutRisk_PagesByLinks(t *testing.T) {
	d := open(t)
	garage := d.CreateGroup("Garage Lumière")
	u, _, _ := d.Member("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{garage} })
	reader := d.token(account.RoleReadOnly, nil)
	var all []tree
	pages := 0
	for path := "/api/v1/reports/lockout-risk?limit=1"; path != ""; pages++ {
		w := d.call("GET", path, reader, "")
		all = append(all, read[[]tree](t, w, 200)...)
		path = next(t, w.Header())
	}
	if len(all) != 2 || pages < 2 {
		t.Fatalf("got %v in %d pages, want a person and a garage", all, pages)
	}
	p, g := all[0], all[1]
	if p.get("kind") != "user" || p.get("risk") != "one_device" || p.get("userId") != string(u.ID) || p.get("device", "factorType") != "token:software:totp" ||
		p.get("recoveryCodesLeft") != 0.0 || p.get("copies") != 0.0 || fmt.Sprint(p.get("groupIds")) != "["+string(garage)+"]" {
		t.Errorf("got %v", p)
	}
	if g.get("kind") != "group" || g.get("risk") != "few_managers" || g.get("groupId") != string(garage) || g.get("canReset") != 0.0 || g.get("unscopedAdmins") != 0.0 {
		t.Errorf("got %v", g)
	}
	manager := d.token(account.RoleHelpDesk, func(n *admin.NewToken) { n.Groups = []account.GroupID{garage} })
	if got := d.call("GET", "/api/v1/reports/lockout-risk?kind=group", manager, ""); !strings.Contains(got.Body.String(), `"unscopedAdmins":null`) {
		t.Errorf("got %s, want nothing said of who is outside", got.Body)
	}
	for _, query := range []string{"kind=other", "after=x", "after=other:", "kind=group&after=user:", "limit=0", "kind=user&kind=user"} {
		problem(t, d.call("GET", "/api/v1/reports/lockout-risk?"+query, reader, ""), 400)
	}
}
