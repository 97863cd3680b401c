package console

// Groups lists the garages.
//
//	GET /console/groups?q=&after=
type Groups struct {
	Base
	Query     string
	Groups    []GroupRow
	More      string // path of the next page; "": none
	CanCreate bool
}

func (Groups) Template() string { return "console_groups" }

// GroupRow is a garage in a list.
type GroupRow struct{ Path, Name, Description string }

// Group is the page of a garage: its members, and who administers it.
//
//	GET /console/groups/{gid}?q=&risk=yes&after=
type Group struct {
	Base
	Name, Description string
	Path              string
	Query             string
	OnlyRisk          bool // only members whom the loss of a device would lock out
	Members           []MemberRow
	More              string

	CanReset       int  // administrators of this garage who can reset its members
	AtRisk         bool // fewer than two
	UnscopedAdmins int  // administrators of all garages who can
	Scoped         bool // the reader does not see those
	Managers       []HolderRow
	MoreManagers   bool
	RolesPath      string // of all who have a role for this garage; "": not shown
	Applications   []Link // whose policy names this garage

	CanChange bool // name, members, existence
	CanRemove bool // a member
}

func (Group) Template() string { return "console_group" }

// MemberRow is a member of a garage.
type MemberRow struct {
	Path, Remove string
	Name, Login  string
	Active       bool
	Devices      int // that confirm a sign-in
}
