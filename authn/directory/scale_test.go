package directory_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	"barillet/store"
	"barillet/store/storetest"
)

// addUsers adds active users with two devices to a group of their own.
func (s *env) addUsers(t *testing.T, n int) (group account.GroupID) {
	t.Helper()
	group = s.CreateGroup("Garage de l'Ouest")
	const batch = 8 // what the keys of an Update allow
	for first := 0; first < n; first += batch {
		_, err := account.Update(t.Context(), s.Accounts, s.Accounts.NewOperation(s.From), func(tx *account.Tx) (struct{}, error) {
			for i := range min(batch, n-first) {
				u := tx.NewUser()
				u.ID = account.UserID(fmt.Sprintf("u%026d", first+i))
				u.Login = fmt.Sprintf("ouvrier%05d@ouest.example", first+i)
				u.Email, u.Status, u.Groups, u.EverHadDevice = u.Login, account.StatusActive, []account.GroupID{group}, true
				u.Devices = append(u.Devices, s.Amelie.Devices[0], s.Amelie.Devices[0])
				if err := tx.Create(&u); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return group
}

// TestScale_DeletingALargeGroupAnswersAtOnce: a sweep removes its members.
func TestScale_DeletingALargeGroupAnswersAtOnce(t *testing.T) {
	reads := map[int]int64{}
	for _, n := range []int{200, 2000} {
		s := newEnv(t)
		group := s.addUsers(t, n)
		counted := storetest.CountReads(s.Store, "")
		s.Accounts.Store = counted
		if err := s.Directory.DeleteGroup(t.Context(), authntest.AsSuperAdmin, s.From, group); err != nil {
			t.Fatal(err)
		}
		reads[n] = counted.Records()
		if err := storetest.Sweep(t.Context(), s.Store, s.Accounts.Sweeps()...); err != nil {
			t.Fatal(err)
		}
		left, err := storetest.Count(t.Context(), s.Store)
		if u := s.User("ouvrier00000@ouest.example"); err != nil || left[store.Members.Prefix] != 2 || len(u.Groups) != 0 {
			t.Errorf("after the sweep: %d memberships, groups %v, %v", left[store.Members.Prefix], u.Groups, err)
		}
	}
	if reads[2000] > reads[200]+5 {
		t.Errorf("the request reads %d records with 200 members and %d with 2,000", reads[200], reads[2000])
	}
}

// TestScale_AnActReadsAsMuchWithTenTimesTheUsers: no act of an administrator, and no page of a list that an index answers, reads
// every user.
func TestScale_AnActReadsAsMuchWithTenTimesTheUsers(t *testing.T) {
	list := func(q roster.UserQuery, p admin.Principal) func(*env) error {
		return func(s *env) error {
			q := q
			if len(q.IDs) > 0 {
				q.IDs = []account.UserID{s.Amelie.ID}
			}
			found, next, err := s.Directory.Users(s.T.Context(), p, q)
			if err == nil && (len(found) == 0 || next != "") {
				err = fmt.Errorf("got %d users, cursor %q", len(found), next)
			}
			return err
		}
	}
	acts := []struct {
		name string
		do   func(s *env) error
	}{
		{"a reset by the help desk", func(s *env) error {
			_, err := s.Directory.HelpDesk.Reset(s.T.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"})
			return err
		}},
		{"a reset by the operator", func(s *env) error {
			_, err := s.Directory.HelpDesk.Reset(s.T.Context(), authntest.AsOperator, s.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost", ShowCode: true})
			return err
		}},
		{"SUPER_ADMIN given", func(s *env) error {
			_, err := s.Directory.Admin.AssignRole(s.T.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, "suspendu@garage.example", admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
			return err
		}},
		{"SUPER_ADMIN revoked", func(s *env) error {
			return s.Directory.Admin.RevokeRole(s.T.Context(), authntest.AsSuperAdmin, s.From, "admin@garage.example", "r2")
		}},
		{"a freeze of the last SUPER_ADMIN", func(s *env) error {
			_, err := s.Directory.Freeze.ByAdmin(s.T.Context(), authntest.AsOperator, s.From, "chef@garage.example", freeze.All, "stolen")
			if errcode.HasReason(err, errcode.ReasonLastAdmin) {
				err = nil
			}
			return err
		}},
		{"the report of groups at risk", func(s *env) error {
			_, _, err := s.Directory.LockoutRisk(s.T.Context(), authntest.AsSuperAdmin, directory.RiskQuery{Kind: directory.RiskGroup})
			return err
		}},
		{"the report of users at risk", func(s *env) error {
			found, next, err := s.Directory.LockoutRisk(s.T.Context(), authntest.AsSuperAdmin, directory.RiskQuery{Kind: directory.RiskUser})
			if err == nil && (len(found) != 3 || next != "") {
				err = fmt.Errorf("got %d, cursor %q", len(found), next)
			}
			return err
		}},
		{"the report of sign-ins", func(s *env) error {
			_, err := s.Directory.SignIns(s.T.Context(), authntest.AsSuperAdmin, 90, "")
			return err
		}},
		{"the report of sign-ins of a scope", func(s *env) error {
			_, err := s.Directory.SignIns(s.T.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere, s.Nord), 90, s.Nord)
			return err
		}},
		{"users at risk", list(roster.UserQuery{AtRisk: true}, admin.Principal{ID: "token:x", Owner: "ux", Role: account.RoleReadOnly})},
		{"a user by id", list(roster.UserQuery{IDs: []account.UserID{"u"}}, authntest.AsSuperAdmin)},
		{"suspended users", list(roster.UserQuery{Statuses: []account.Status{account.StatusSuspended}}, authntest.AsSuperAdmin)},
		{"staged users", list(roster.UserQuery{Statuses: []account.Status{account.StatusStaged}, Prefix: "st"}, authntest.AsSuperAdmin)},
		{"locked users", list(roster.UserQuery{Statuses: []account.Status{account.StatusLocked}}, authntest.AsSuperAdmin)},
	}
	reads := map[string][]int64{}
	for _, n := range []int{200, 2000} {
		s := newEnv(t)
		s.addUsers(t, n)
		s.CreateUser("stagiaire@garage.example", nil)
		s.Change(s.CreateUser("suspendu@garage.example", nil).ID, func(u *account.User) { u.Status = account.StatusSuspended })
		chef, _, _ := s.Member("chef@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r9", Role: account.RoleSuperAdmin}} })
		locked, _, _ := s.Member("bloque@garage.example", nil)
		for _, id := range []account.UserID{chef.ID, locked.ID} {
			s.Change(id, func(u *account.User) { u.Devices = append(u.Devices, s.Amelie.Devices[0]) })
		}
		for range 6 {
			_, _ = s.Authn.StartWithPassword(t.Context(), s.From, locked.Login, "wrong")
		}
		counted := storetest.CountReads(s.Store, "")
		for _, act := range acts {
			s.Accounts.Store = counted
			counted.Reset()
			if err := act.do(s); err != nil {
				t.Errorf("%s with %d users: %v", act.name, n, err)
			}
			reads[act.name] = append(reads[act.name], counted.Records())
		}
	}
	for name, n := range reads {
		if n[1] > n[0]+5 || n[0] > 120 { // the order of ids is random
			t.Errorf("%s reads %d records with 200 users and %d with 2,000", name, n[0], n[1])
		}
	}
}
