package account

import "time"

// Role is what an operator may do, in Okta's words.
type Role string

// The roles, from the highest.
const (
	RoleSuperAdmin Role = "SUPER_ADMIN"
	RoleUserAdmin  Role = "USER_ADMIN"
	RoleHelpDesk   Role = "HELP_DESK_ADMIN"
	RoleReadOnly   Role = "READ_ONLY_ADMIN"
)

// RoleAssignment is a role given to a person. No Groups means everybody; a grant limited to groups names at least one, be it
// a deleted one, which is nobody.
type RoleAssignment struct {
	ID      string    `json:"id"`
	Role    Role      `json:"role"`
	Groups  []GroupID `json:"groups,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
}

// Roles are all there are, from the highest.
func Roles() []Role { return []Role{RoleSuperAdmin, RoleUserAdmin, RoleHelpDesk, RoleReadOnly} }

// Rank orders roles for "strictly lower" (PROTOCOL 11): 0 is nobody in particular, -1 no role that we know.
func (r Role) Rank() int {
	switch r {
	case "":
		return 0
	case RoleReadOnly:
		return 1
	case RoleHelpDesk:
		return 2
	case RoleUserAdmin:
		return 3
	case RoleSuperAdmin:
		return 4
	}
	return -1
}

// Rank is the highest of the person's roles.
func (u *User) Rank() int {
	rank := 0
	for _, g := range u.Roles {
		rank = max(rank, g.Role.Rank())
	}
	return rank
}
