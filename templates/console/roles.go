package console

import (
	"time"

	"barillet/templates"
)

// Roles lists who has which role where.
//
//	GET /console/roles?role=&group=&after=
type Roles struct {
	Base
	Role      string
	Group     string // id; "": all
	GroupName string
	Filter    Field
	Holders   []HolderRow
	More      string
}

func (Roles) Template() string { return "console_roles" }

// HolderRow is an administrator in one place.
type HolderRow struct {
	Path        string
	Name, Login string
	Active      bool
	Group       string // name; "": all garages, or with Many several
	Many        bool
	Roles       []templates.Key
}

// PersonRoles is the page of the roles of one user.
//
//	GET /console/roles/{id}
type PersonRoles struct {
	Base
	Name, Login string
	PersonPath  string
	Path        string
	Assignments []AssignmentRow
	CanAssign   bool
}

func (PersonRoles) Template() string { return "console_person_roles" }

// AssignmentRow is a role of a user.
type AssignmentRow struct {
	Path      string
	Role      templates.Key
	Since     time.Time
	Groups    []TargetRow // none: all garages
	Whole     bool        // the role is always for all garages
	CanChange bool
}

// TargetRow is a garage of a role.
type TargetRow struct{ Name, Remove string }
