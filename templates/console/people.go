package console

import (
	"time"

	"barillet/templates"
)

// People lists users. The search finds the start of each word of a name, login or address.
//
//	GET /console/people?q=&group=&state=&devices=&role=&after=
type People struct {
	Base
	Query   string
	Filters []Field // each is a select, except the group of an administrator of many
	Nearly  []Link  // groups whose names begin with the text, if no group has it as its name
	NoGroup bool    // no group has such a name
	Rows    []PersonRow
	First   bool   // the first page
	More    string // path of the next page; "": the last one
	Invite  bool   // the administrator may invite
}

func (People) Template() string { return "console_people" }

// Link is a link with its text.
type Link struct{ Name, Path string }

// PersonRow is one user of a list.
type PersonRow struct {
	Path      string
	Name      string
	Login     string
	Groups    []string
	State     State
	Devices   int // usable primary ones
	LastLogin time.Time
}

// State is a display status. Its sentence is "state.{State}".
type State string

// Tag returns the class of the tag of a state.
func (s State) Tag() string {
	switch s {
	case "ACTIVE":
		return "good"
	case "SUSPENDED", "DEPROVISIONED":
		return "bad"
	}
	return "warn"
}

// Risk returns the class of the number of devices.
func (r PersonRow) Risk() string {
	switch {
	case r.State != "ACTIVE", r.Devices > 1:
		return ""
	case r.Devices == 1:
		return "warn"
	}
	return "bad"
}

// Person is the page of one user.
//
//	GET /console/people/{id}    and below it the acts
type Person struct {
	Base
	Path       string
	Name       string
	Profile    PersonProfile
	CoolOff    CoolOff
	Groups     []Membership
	Devices    []templates.Device
	Codes      int // unused recovery codes
	Invitation *Invitation
	Tickets    []Ticket
	Sessions   []templates.Session
	Events     []templates.Event
	Request    *Link         // the open help request of the user
	Approvals  []ApprovalRow // what waits for an approval
	RolesPath  string        // "": the administrator sees no roles
	Acts       [][]ActLink
	May        PersonRights
}

func (Person) Template() string { return "console_person" }

// PersonProfile is what is known about a user.
type PersonProfile struct {
	State        State
	StateAt      time.Time // zero: unknown
	Login        string
	Email        string
	SecondEmail  string
	Verified     bool
	AddressMoved bool // within 72 hours
	Locale       string
	Roles        []RoleOf
	Numbers      []Number
	LastLogin    time.Time
	Created      time.Time
}

// RoleOf is a role of a user. Its sentence is "roles.name_{Role}".
type RoleOf struct {
	Role   string
	Groups int // that it is limited to; 0: for all
}

// Number is a telephone number on file. Its sentence is "person.{Member}".
type Number struct {
	Member, Number string
	Link           string // of the scheme "tel"
	Young          bool   // written within 72 hours, so that nobody is called back on it
}

// CoolOff is the time after a reset in which the account makes no move that outlives a mistake.
type CoolOff struct {
	On    bool
	Until time.Time // zero: nothing was enrolled yet
}

// Membership is a group of a user.
type Membership struct{ Name, Leave string } // Leave is the path of the act, or ""

// Invitation is the invitation of a user who never had a device.
type Invitation struct {
	By        string
	At, Until time.Time
	Over      bool
}

// Ticket is a valid ticket of a user.
type Ticket struct {
	Made, Until time.Time
	ByEmail     bool
}

// ActLink leads to an act. Its sentence is Words, or "person.do_{Name}".
type ActLink struct {
	Name, Path string
	Words      templates.Key
	Key        string // "": none
	Danger     bool
}

// PersonRights says which links to acts a page has beside what they are about.
type PersonRights struct {
	FreezeDevice, RemoveDevice, WithdrawInvitation, WithdrawTickets, ResendTicket, Join bool
}

// Import invites many users: a list is checked, and then invited in parts.
//
//	GET, POST /console/people/import    users, group, do ("check" or "invite")
type Import struct {
	Base
	Text    string
	Group   Field
	Most    int // lines
	Checked bool
	Faults  []ImportFault // of the list as a whole
	Lines   []ImportLine

	New, Created, Exists, Invalid int

	Going bool // a part was invited, and lines wait
}

func (Import) Template() string { return "console_import" }

// Done returns how many lines of the list have an account.
func (i Import) Done() int { return i.Created + i.Exists }

// ImportLine is a line of the list. Its state is "new", "created", "exists" or "invalid".
type ImportLine struct {
	Line   int
	Who    string
	State  string
	Path   string // of the page of the user; "" without one
	Faults []ImportFault
}

// ImportFault is what is wrong with a line.
type ImportFault struct {
	Line    int
	Column  string // "": the line as a whole
	Message templates.Message
}
