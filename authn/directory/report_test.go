package directory_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
)

// risks reads the whole report in pages of a size.
func (s *env) risks(t *testing.T, p admin.Principal, q directory.RiskQuery) (all []directory.LockoutRisk) {
	t.Helper()
	for page := 0; page == 0 || q.After != ""; page++ {
		found, next, err := s.Directory.LockoutRisk(t.Context(), p, q)
		if err != nil || page > 100 || q.Limit > 0 && len(found) > q.Limit {
			t.Fatalf("page %d of %d: %v", page, len(found), err)
		}
		all, q.After = append(all, found...), next
	}
	return all
}

// say returns a report as short texts, sorted.
func say(found []directory.LockoutRisk) (out []string) {
	for _, r := range found {
		if r.Kind == directory.RiskUser {
			out = append(out, fmt.Sprintf("%s has %d, %d copies, %d codes", r.User.Login, len(r.Devices.Devices), r.Devices.Copies, r.Devices.RecoveryCodes))
		} else {
			unscoped := "-"
			if r.UnscopedAdmins != nil {
				unscoped = fmt.Sprint(*r.UnscopedAdmins)
			}
			out = append(out, fmt.Sprintf("%s has %d, %s", r.Group.Name, r.CanReset, unscoped))
		}
	}
	slices.Sort(out)
	return out
}

func TestLockoutRisk_Users(t *testing.T) {
	s := newEnv(t)
	// Karim has two keys, one of them marked as a clone; Lina two good ones; Marc is suspended; Nadia has yet to accept.
	two := func(disabled string) func(*account.User) {
		return func(u *account.User) {
			u.Status, u.Groups = account.StatusActive, []account.GroupID{s.Nord}
			u.Devices = []factors.Device{{ID: "k1", Kind: "webauthn", Name: "blue"}, {ID: "k2", Kind: "webauthn", Name: "red", Disabled: disabled}}
		}
	}
	s.Change(s.CreateUser("karim@garage.example", nil).ID, two("clone"))
	s.Change(s.CreateUser("lina@garage.example", nil).ID, two(""))
	s.Change(s.CreateUser("marc@garage.example", nil).ID, func(u *account.User) { u.Status = account.StatusSuspended })
	s.CreateUser("nadia@garage.example", nil)
	s.Change(s.Amelie.ID, func(u *account.User) {
		now := s.Clock.Now()
		u.Devices[0].Copies = []factors.Copy{{ID: "c1", Name: "tablet", Shown: now, Confirmed: now}, {ID: "c2", Shown: now}, {ID: "c3", Shown: now, Confirmed: now, ScanAgain: true}}
		u.Tickets = []account.Ticket{{ID: "t1", Expires: now.Add(time.Hour)}}
	})
	want := []string{
		"admin@garage.example has 0, 0 copies, 0 codes",
		"amelie@garage.example has 1, 1 copies, 0 codes",
		"karim@garage.example has 1, 0 copies, 0 codes",
		"manager@garage.example has 0, 0 copies, 0 codes",
	}
	readOnly := admin.Principal{ID: "token:r", Owner: "ureader", Role: account.RoleReadOnly}
	for _, limit := range []int{0, 1, 3} {
		found := s.risks(t, readOnly, directory.RiskQuery{Kind: directory.RiskUser, Limit: limit})
		authntest.SameStrings(t, fmt.Sprintf("in pages of %d", limit), say(found), want)
		for _, r := range found {
			for _, d := range r.Devices.Devices {
				if d.Data != nil {
					t.Errorf("%s: the report holds what proves a device", r.User.Login)
				}
			}
			if open := !r.Devices.TicketUntil.IsZero(); open != (r.User.Login == authntest.Technician) {
				t.Errorf("%s: got ticket %v", r.User.Login, r.Devices.TicketUntil)
			}
		}
	}
	s.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{})
	if got := say(s.risks(t, readOnly, directory.RiskQuery{Kind: directory.RiskUser})); !slices.Contains(got, "amelie@garage.example has 0, 0 copies, 0 codes") {
		t.Errorf("got %q, want who was reset without a device", got)
	}
}

func TestLockoutRisk_Groups(t *testing.T) {
	s := newEnv(t)
	key := []factors.Device{{ID: "k1", Kind: "webauthn", Name: "key"}}
	staff := func(address string, change func(*account.User)) {
		s.Change(s.CreateUser(address, nil).ID, func(u *account.User) {
			u.Status, u.Devices = account.StatusActive, key
			change(u)
		})
	}
	grant := func(role account.Role, garages ...account.GroupID) func(*account.User) {
		return func(u *account.User) {
			u.Roles = append(u.Roles, account.RoleAssignment{ID: "r", Role: role, Groups: garages})
		}
	}
	garages := func(p admin.Principal) []string {
		t.Helper()
		return say(s.risks(t, p, directory.RiskQuery{Kind: directory.RiskGroup, Limit: 1}))
	}
	// Neither the manager nor the administrator of the shop has a device.
	authntest.SameStrings(t, "none can sign in", garages(authntest.AsSuperAdmin), []string{"Garage Lumière has 0, 0", "Garage du Nord has 0, 0"})
	staff("one@garage.example", grant(account.RoleHelpDesk, s.Lumiere, s.Nord, s.Lumiere))
	staff("reader@garage.example", grant(account.RoleReadOnly, s.Nord))
	staff("gone@garage.example", func(u *account.User) { grant(account.RoleHelpDesk, s.Nord)(u); u.Status = account.StatusDeactivated })
	staff("desk@garage.example", grant(account.RoleHelpDesk))
	staff("boss@garage.example", grant(account.RoleSuperAdmin))
	authntest.SameStrings(t, "one for both", garages(authntest.AsSuperAdmin), []string{"Garage Lumière has 1, 2", "Garage du Nord has 1, 2"})
	authntest.SameStrings(t, "as the manager of one sees it", garages(authntest.Limited(authntest.AsHelpDesk, s.Nord)), []string{"Garage du Nord has 1, -"})
	staff("two@garage.example", grant(account.RoleUserAdmin, s.Lumiere))
	authntest.SameStrings(t, "two for one", garages(authntest.AsSuperAdmin), []string{"Garage du Nord has 1, 2"})
}

func TestLockoutRisk_StaysWithinScope(t *testing.T) {
	s := newEnv(t)
	s.Change(s.CreateUser("karim@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Nord} }).ID, func(u *account.User) { u.Status = account.StatusActive })
	got := say(s.risks(t, authntest.Limited(authntest.AsHelpDesk, s.Lumiere), directory.RiskQuery{Limit: 1}))
	authntest.SameStrings(t, "what a manager sees", got, []string{"Garage Lumière has 0, -", "amelie@garage.example has 1, 0 copies, 0 codes"})
	if got := s.risks(t, authntest.Limited(authntest.AsHelpDesk), directory.RiskQuery{}); len(got) != 0 {
		t.Errorf("got %q, want nothing for an empty scope", say(got))
	}
	_, _, err := s.Directory.LockoutRisk(t.Context(), admin.Principal{Owner: "u"}, directory.RiskQuery{})
	authntest.WantCode(t, "without a role", err, errcode.Forbidden)
	for _, q := range []directory.RiskQuery{{Kind: "service"}, {After: "x"}, {After: "service:"}, {Kind: directory.RiskUser, After: "group:"}} {
		_, _, err := s.Directory.LockoutRisk(t.Context(), authntest.AsSuperAdmin, q)
		authntest.WantCode(t, fmt.Sprintf("%+v", q), err, errcode.Invalid)
	}
}

func TestSignIns_RefusesBadDaysAndGroupsOutsideTheScope(t *testing.T) {
	s := newEnv(t)
	scoped := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	for _, days := range []int{-1, 0, 91} {
		_, err := s.Directory.SignIns(t.Context(), authntest.AsSuperAdmin, days, "")
		authntest.WantCode(t, "days", err, errcode.Invalid)
	}
	for _, group := range []account.GroupID{s.Nord, "gbbbbbbbbbbbbbbbbbbbbbbbbbb", "all", "../x"} {
		_, err := s.Directory.SignIns(t.Context(), scoped, 7, group)
		authntest.WantCode(t, "group "+string(group), err, errcode.NotFound)
	}
	_, err := s.Directory.SignIns(t.Context(), admin.Principal{}, 7, "")
	authntest.WantCode(t, "no role", err, errcode.Forbidden)
	if days, err := s.Directory.SignIns(t.Context(), scoped, 7, s.Lumiere); err != nil || len(days) != 7 {
		t.Errorf("got %d days, %v", len(days), err)
	}
	if days, err := s.Directory.SignIns(t.Context(), authntest.Limited(authntest.AsHelpDesk), 7, ""); err != nil || len(days) != 7 || days[6].SignIns != 0 {
		t.Errorf("a scope without groups: got %+v, %v", days, err)
	}
}
