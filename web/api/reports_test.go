package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/factors"
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

// count adds every event to the counters.
func (d *apiEnv) count() {
	d.T.Helper()
	if err := errors.Join(d.Directory.Admin.Tree.Sequence(d.T.Context()), d.Accounts.FlushRefusals(d.T.Context(), true),
		d.Directory.Admin.Tree.Sequence(d.T.Context()), d.Counts.Count(d.T.Context())); err != nil {
		d.T.Fatal(err)
	}
}

func TestSignIns_CountsWhatUsersDid(t *testing.T) {
	d := open(t)
	north, south := d.CreateGroup("Garage du Nord"), d.CreateGroup("Garage du Sud")
	zoe, phone, _ := d.Member("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{north} })
	paul, _, _ := d.Member("paul@garage.example", func(u *account.User) { u.Groups = []account.GroupID{south} })
	d.count()
	d.Clock.Advance(24 * time.Hour)
	d.SignIn(zoe.Login, authntest.Password, phone)
	wrong := func(login string, times int) {
		for range times {
			if _, err := d.Authn.StartWithPassword(t.Context(), d.From, login, "wrong"); err == nil {
				t.Fatal("a wrong password is accepted")
			}
		}
	}
	wrong(zoe.Login, 3)
	wrong(paul.Login, 1)
	wrong("nobody@garage.example", 1)
	started, err := d.Authn.StartWithPassword(t.Context(), d.From, zoe.Login, authntest.Password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authn.Verify(t.Context(), d.From, started.Secret, factors.InputCode, []byte("000000")); err != nil {
		t.Fatal(err)
	}
	super := d.admin()
	read[tree](t, d.call("POST", "/api/v1/users/"+string(paul.ID)+"/lifecycle/suspend", super, ""), 200)
	wrong(paul.Login, 1)
	read[tree](t, d.call("POST", "/api/v1/users/"+string(zoe.ID)+"/lifecycle/reset_factors", super, `{"reason":"lost"}`), 200)
	d.count()

	report := func(token, query string) string {
		t.Helper()
		r := read[tree](t, d.call("GET", "/api/v1/reports/sign-ins"+query, token, ""), 200)
		text, days := "", r.get("days").([]any)
		for _, name := range []string{"signIns", "wrongPasswords", "wrongCodes", "inactive", "unknownLogins", "lockouts", "factorResets"} {
			text += fmt.Sprint(days[len(days)-1].(map[string]any)[name], "/", r.get("total", name), " ")
		}
		return fmt.Sprint(len(days), " ", text, r.get("groupId"))
	}
	manager := d.token(account.RoleHelpDesk, limitedTo(north))
	for name, c := range map[string][3]string{
		"all":                {super, "", "7 1/3 4/4 1/1 1/1 1/1 0/0 1/1 <nil>"},
		"of the last day":    {super, "?days=1", "1 1/1 4/4 1/1 1/1 1/1 0/0 1/1 <nil>"},
		"of a group":         {super, "?days=90&group=" + string(south), "90 0/1 1/1 0/0 1/1 <nil>/<nil> 0/0 0/0 " + string(south)},
		"of a scope":         {manager, "?days=2", "2 1/2 3/3 1/1 0/0 <nil>/<nil> 0/0 1/1 <nil>"},
		"of a scope's group": {manager, "?days=2&group=" + string(north), "2 1/2 3/3 1/1 0/0 <nil>/<nil> 0/0 1/1 " + string(north)},
	} {
		if got := report(c[0], c[1]); got != c[2] {
			t.Errorf("%s: got  %s\nwant %s", name, got, c[2])
		}
	}
	for _, query := range []string{"days=0", "days=91", "days=-1", "days=seven", "days=7.5", "days=99999999999999999999", "days=7&days=8"} {
		problem(t, d.call("GET", "/api/v1/reports/sign-ins?"+query, super, ""), 400)
	}
	for _, group := range []string{"gbbbbbbbbbbbbbbbbbbbbbbbbbb", "all", "..", "%00", "x/2026-03"} {
		problem(t, d.call("GET", "/api/v1/reports/sign-ins?group="+group, super, ""), 404)
		problem(t, d.call("GET", "/api/v1/reports/sign-ins?group="+group, manager, ""), 404)
	}
}

// TestSignIns_UsersOutsideTheScopeChangeNoCounter: also those of two garages, with a role or without a garage, and a group outside
// looks like an unknown one.
func TestSignIns_UsersOutsideTheScopeChangeNoCounter(t *testing.T) {
	d := open(t)
	north, south := d.CreateGroup("Garage du Nord"), d.CreateGroup("Garage du Sud")
	manager := d.token(account.RoleReadOnly, limitedTo(north))
	all := func() (text string) {
		for _, query := range []string{"", "?days=90", "?group=" + string(north), "?group=" + string(south), "?group=gbbbbbbbbbbbbbbbbbbbbbbbbbb"} {
			text += plainly(d.call("GET", "/api/v1/reports/sign-ins"+query, manager, ""))
		}
		return text
	}
	before := all()
	for name, change := range map[string]func(u *account.User){
		"of another garage": func(u *account.User) { u.Groups = []account.GroupID{south} },
		"of two garages":    func(u *account.User) { u.Groups = []account.GroupID{north, south} },
		"of no garage":      func(*account.User) {},
		"with a role": func(u *account.User) {
			u.Groups, u.Roles = []account.GroupID{north}, []account.RoleAssignment{{ID: "raaaaaaaaaaaaaaaaaaaaaaaaaa", Role: account.RoleHelpDesk, Groups: []account.GroupID{south}}}
		},
	} {
		d.Member(strings.ReplaceAll(name, " ", "-")+"@garage.example", change)
		d.count()
		d.Clock.Advance(time.Second)
		if after := all(); !sameBut(after, before) {
			t.Errorf("a user %s: got\n%s\nwant\n%s", name, after, before)
		}
	}
	outside, unknown := d.call("GET", "/api/v1/reports/sign-ins?group="+string(south), manager, ""), d.call("GET", "/api/v1/reports/sign-ins?group=gbbbbbbbbbbbbbbbbbbbbbbbbbb", manager, "")
	if a, b := strings.ReplaceAll(plainly(outside), string(south), "gbbbbbbbbbbbbbbbbbbbbbbbbbb"), plainly(unknown); outside.Code != 404 || !sameBut(a, b) {
		t.Errorf("outside: %s\nunknown: %s", a, b)
	}
	d.Member("nora@garage.example", func(u *account.User) { u.Groups = []account.GroupID{north} })
	d.count()
	if r := read[tree](t, d.call("GET", "/api/v1/reports/sign-ins", manager, ""), 200); r.get("total", "signIns") != 1.0 {
		t.Errorf("a user within: got %v", r)
	}
}
