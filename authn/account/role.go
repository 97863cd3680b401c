package account

import (
	"slices"
	"time"
)

// Role is a role of an administrator, with the name of the Okta API.
type Role string

// The roles, highest first.
const (
	RoleSuperAdmin Role = "SUPER_ADMIN"
	RoleUserAdmin  Role = "USER_ADMIN"
	RoleHelpDesk   Role = "HELP_DESK_ADMIN"
	RoleReadOnly   Role = "READ_ONLY_ADMIN"
)

// RoleAssignment is a role of a user. Without Groups the role applies to all groups. A limited role names at least one group,
// which may be deleted and then contains no user.
type RoleAssignment struct {
	ID      string    `cbor:"1,keyasint"`
	Role    Role      `cbor:"2,keyasint"`
	Groups  []GroupID `cbor:"3,keyasint,omitempty"`
	Created time.Time `cbor:"4,keyasint,omitzero"`
	Changed time.Time `cbor:"5,keyasint,omitzero"`
	Rests   bool      `cbor:"6,keyasint,omitempty"` // it gives no permission until the operator confirms it (protocol rule 33)
}

// Roles returns all roles, highest first.
func Roles() []Role { return []Role{RoleSuperAdmin, RoleUserAdmin, RoleHelpDesk, RoleReadOnly} }

// Rank returns the rank of the role, for the comparison of protocol rule 11: 0 for no role, -1 for an unknown one.
func (r Role) Rank() int {
	return slices.Index([]Role{"", RoleReadOnly, RoleHelpDesk, RoleUserAdmin, RoleSuperAdmin}, r)
}

// Active returns the user with the roles alone that give permissions: those that do not rest.
func (u *User) Active() *User {
	return &User{Roles: slices.DeleteFunc(slices.Clone(u.Roles), func(a RoleAssignment) bool { return a.Rests })}
}

// Rank returns the highest rank of the user's roles, also of those that rest.
func (u *User) Rank() (rank int) {
	for _, a := range u.Roles {
		rank = max(rank, a.Role.Rank())
	}
	return rank
}
