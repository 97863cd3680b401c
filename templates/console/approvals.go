package console

import (
	"time"

	"barillet/templates"
)

// Approvals lists the operations that wait for a second administrator.
//
//	GET /console/approvals?after=
type Approvals struct {
	Base
	Approvals []ApprovalRow
	More      string
}

func (Approvals) Template() string { return "console_approvals" }

// Approval is the page of one of them.
//
//	GET /console/approvals/{aid}
type Approval struct {
	Base
	ApprovalRow
	Role    *ApprovedRole    // of "role"
	Changes []ApprovedMember // of "profile"
}

func (Approval) Template() string { return "console_approval" }

// ApprovalRow is an operation that waits for a second administrator. Its name is the sentence "approvals.op_{Operation}".
type ApprovalRow struct {
	Path, Person          string
	Operation             string // "reset", "role" or "profile"
	Login                 string
	By                    string // name of the administrator who asked
	Reason                string
	Asked, Until          time.Time
	Mine                  bool // the reader asked
	AboutMe               bool // the reader is the user
	CanApprove, CanReject bool
}

// ApprovedRole is the role that an approval gives, or the further groups of one.
type ApprovedRole struct {
	Role    templates.Key
	Further bool     // the user has the role, for other groups
	Groups  []string // by name; none: all
}

// ApprovedMember is a member of a profile that an approval changes.
type ApprovedMember struct {
	Words    templates.Key // its name; "": Name
	Name     string
	Old, New string // "": none
}
