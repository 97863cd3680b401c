package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
)

// TestPermissions_EveryOperationOnEveryUser is the table of all permissions, cell by cell. The operations, in the order
// of the letters:
//
//	read, unlock, end sessions, send a password link, invite, remove a device, reset, suspend, delete, change the name,
//	assign a role, add to a group
//
// A point means success, S WrongState, F Forbidden, 0 NotFound, and 2 that the reset needs an approval. The users:
//
//	self   the owner of the principal's token, of the same role
//	A B AB no   of group A, B, both or none, without a role
//	READ … SUPER   with that role, in group A
//	susp   suspended, of group A
//	gone   does not exist
func TestPermissions_EveryOperationOnEveryUser(t *testing.T) {
	table := []struct {
		operator string
		cells    []string
	}{
		{"operator", []string{
			"A     ....S.......", "B     ....S.......", "AB    ....S.......", "no    ....S.......", "READ  ....S.......",
			"HELP  ....S.......", "USER  ....S.......", "SUPER ....S.......", "susp  .S.SS..S....", "gone  000000000000",
		}},
		{"SUPER", []string{
			"self  .FFFFFFFFFFF", "A     ....S.......", "B     ....S.......", "AB    ....S.......", "no    ....S.......",
			"READ  ....S.......", "HELP  ....S.......", "USER  ....S.......", "SUPER .FFFFF2FFF.F", "susp  .S.SS..S....",
			"gone  000000000000",
		}},
		{"USER", []string{
			"self  .FFFFFFFFFFF", "A     ....S.......", "B     ....S.......", "AB    ....S.......", "no    ....S.......",
			"READ  ....S.......", "HELP  ....S.......", "USER  .FFFFF2FFFFF", "SUPER .FFFFFFFFFFF", "susp  .S.SS..S....",
			"gone  000000000000",
		}},
		{"HELP", []string{
			"self  .FFFFFFFFFFF", "A     ....S..FFFFF", "B     ....S..FFFFF", "AB    ....S..FFFFF", "no    ....S..FFFFF",
			"READ  ....S..FFFFF", "HELP  .FFFFF2FFFFF", "USER  .FFFFFFFFFFF", "SUPER .FFFFFFFFFFF", "susp  .S.SS..FFFFF",
			"gone  0000000FFFFF",
		}},
		{"READ", []string{
			"self  .FFFFFFFFFFF", "A     .FFFFFFFFFFF", "B     .FFFFFFFFFFF", "AB    .FFFFFFFFFFF", "no    .FFFFFFFFFFF",
			"READ  .FFFFFFFFFFF", "HELP  .FFFFFFFFFFF", "USER  .FFFFFFFFFFF", "SUPER .FFFFFFFFFFF", "susp  .FFFFFFFFFFF",
			"gone  0FFFFFFFFFFF",
		}},
		{"no role", []string{
			"self  FFFFFFFFFFFF", "A     FFFFFFFFFFFF", "B     FFFFFFFFFFFF", "AB    FFFFFFFFFFFF", "no    FFFFFFFFFFFF",
			"READ  FFFFFFFFFFFF", "HELP  FFFFFFFFFFFF", "USER  FFFFFFFFFFFF", "SUPER FFFFFFFFFFFF", "susp  FFFFFFFFFFFF",
			"gone  FFFFFFFFFFFF",
		}},
		{"SUPER of A", []string{
			"self  0000000000FF", "A     ....S.....FF", "B     0000000000FF", "AB    0000000000FF", "no    0000000000FF",
			"READ  0000000000FF", "HELP  0000000000FF", "USER  0000000000FF", "SUPER 0000000000FF", "susp  .S.SS..S..FF",
			"gone  0000000000FF",
		}},
		{"USER of A", []string{
			"self  0000000000FF", "A     ....S.....FF", "B     0000000000FF", "AB    0000000000FF", "no    0000000000FF",
			"READ  0000000000FF", "HELP  0000000000FF", "USER  0000000000FF", "SUPER 0000000000FF", "susp  .S.SS..S..FF",
			"gone  0000000000FF",
		}},
		{"HELP of A", []string{
			"self  0000000FFFFF", "A     ....S..FFFFF", "B     0000000FFFFF", "AB    0000000FFFFF", "no    0000000FFFFF",
			"READ  0000000FFFFF", "HELP  0000000FFFFF", "USER  0000000FFFFF", "SUPER 0000000FFFFF", "susp  .S.SS..FFFFF",
			"gone  0000000FFFFF",
		}},
		{"READ of A", []string{
			"self  0FFFFFFFFFFF", "A     .FFFFFFFFFFF", "B     0FFFFFFFFFFF", "AB    0FFFFFFFFFFF", "no    0FFFFFFFFFFF",
			"READ  0FFFFFFFFFFF", "HELP  0FFFFFFFFFFF", "USER  0FFFFFFFFFFF", "SUPER 0FFFFFFFFFFF", "susp  .FFFFFFFFFFF",
			"gone  0FFFFFFFFFFF",
		}},
		{"SUPER of none", []string{
			"self  0000000000FF", "A     0000000000FF", "B     0000000000FF", "AB    0000000000FF", "no    0000000000FF",
			"READ  0000000000FF", "HELP  0000000000FF", "USER  0000000000FF", "SUPER 0000000000FF", "susp  0000000000FF",
			"gone  0000000000FF",
		}},
	}
	s := newEnv(t)
	operators := map[string]admin.Principal{"operator": authntest.AsOperator, "no role": {ID: "token:x", Owner: "operator:1"}}
	for name, role := range map[string]account.Role{"SUPER": account.RoleSuperAdmin, "USER": account.RoleUserAdmin, "HELP": account.RoleHelpDesk, "READ": account.RoleReadOnly} {
		_, tok := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: name, Role: role})
		p := admin.Principal{ID: "token:" + tok.ID, Owner: "operator:1", Role: role}
		operators[name], operators[name+" of A"], operators[name+" of none"] = p, authntest.Limited(p, s.Lumiere), authntest.Limited(p)
	}
	for _, row := range table {
		p, ok := operators[row.operator]
		if want := 11; row.operator == "operator" && len(row.cells) != want-1 || row.operator != "operator" && len(row.cells) != want || !ok {
			t.Fatalf("%s: %d rows, want one for each of the users", row.operator, len(row.cells))
		}
		for _, cells := range row.cells {
			whom, want, _ := strings.Cut(cells, " ")
			want = strings.TrimSpace(want)
			got := ""
			for i := range operations {
				id, by := s.newUser(t, p, whom)
				got += string(outcomeOf(operations[i](t, s, by, id)))
			}
			if got != want {
				t.Errorf("%s to %s: got %s, want %s", row.operator, whom, got, want)
			}
		}
	}
}

// newUser creates a user of a kind with a device. For "self" the user owns the returned principal.
func (s *env) newUser(t *testing.T, p admin.Principal, kind string) (id string, by admin.Principal) {
	t.Helper()
	if kind == "gone" {
		return "uaaaaaaaaaaaaaaaaaaaaaaaaaa", p
	}
	garages := map[string][]account.GroupID{"B": {s.Nord}, "AB": {s.Lumiere, s.Nord}, "no": nil}
	roles := map[string]account.Role{"READ": account.RoleReadOnly, "HELP": account.RoleHelpDesk, "USER": account.RoleUserAdmin, "SUPER": account.RoleSuperAdmin, "self": p.Role}
	s.users++
	u := s.CreateUser(fmt.Sprintf("p%d@garage.example", s.users), func(u *account.User) {
		u.Groups = []account.GroupID{s.Lumiere}
		if in, ok := garages[kind]; ok {
			u.Groups = in
		}
		if roles[kind] != "" {
			u.Roles = []account.RoleAssignment{{ID: "r", Role: roles[kind]}}
		}
		u.Status, u.EverHadDevice, u.Devices = account.StatusActive, true, s.Amelie.Devices
		if kind == "susp" {
			u.Status = account.StatusSuspended
		}
	})
	if kind == "self" {
		p.Owner = string(u.ID)
	}
	return string(u.ID), p
}

var operations = []func(t *testing.T, s *env, op admin.Principal, id string) error{
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		_, err := s.Directory.Admin.User(t.Context(), op, id)
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.Unlock(t.Context(), op, s.From, id)
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.RevokeSessions(t.Context(), op, s.From, id, true)
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		_, err := s.Directory.ResetPassword(t.Context(), op, s.From, id, true)
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		_, err := s.Directory.Activate(t.Context(), op, s.From, id, true)
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.RemoveDevice(t.Context(), op, s.From, id, s.Phone.Device)
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		_, err := s.Directory.HelpDesk.Reset(t.Context(), op, s.From, id, helpdesk.ResetRequest{Reason: "lost"})
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.Suspend(t.Context(), op, s.From, id)
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.Delete(t.Context(), op, s.From, id)
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		name := "Zoé"
		_, err := s.Directory.UpdateUser(t.Context(), op, s.From, id, directory.ProfileChange{FirstName: &name})
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		role := account.RoleReadOnly
		if u, err := s.Directory.Admin.User(t.Context(), authntest.AsOperator, id); err == nil && len(u.Roles) > 0 && u.Roles[0].Role == role {
			role = account.RoleHelpDesk
		}
		_, err := s.Directory.Admin.AssignRole(t.Context(), op, s.From, id, admin.NewRoleAssignment{Role: role})
		return err
	},
	func(t *testing.T, s *env, op admin.Principal, id string) error {
		return s.Directory.AddMember(t.Context(), op, s.From, s.Nord, id)
	},
}

func outcomeOf(err error) byte {
	switch errcode.Of(err) {
	case errcode.Forbidden:
		return 'F'
	case errcode.NotFound:
		return '0'
	case errcode.WrongState:
		return 'S'
	case errcode.ApprovalRequired:
		return '2'
	case "":
		if err == nil {
			return '.'
		}
	}
	return '?'
}
