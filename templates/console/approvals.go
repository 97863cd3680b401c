package console

import "time"

// Approvals lists the resets that wait for a second administrator.
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
}

func (Approval) Template() string { return "console_approval" }

// ApprovalRow is a reset that waits for a second administrator.
type ApprovalRow struct {
	Path, Person          string
	Login                 string
	By                    string // name of the administrator who asked
	Reason                string
	Asked, Until          time.Time
	Mine                  bool // the reader asked
	AboutMe               bool // the reader is the user
	CanApprove, CanReject bool
}
