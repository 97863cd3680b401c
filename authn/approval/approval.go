package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/store"
)

const (
	approvalTTL  = 24 * time.Hour // how long an approval can be given
	userIDLength = 27             // characters of a user id
)

// Operation is what waits for an approval.
type Operation string

// The operations.
const (
	OperationReset   Operation = "reset"   // the reset of an equal
	OperationRole    Operation = "role"    // a role, or a further group of one
	OperationProfile Operation = "profile" // a change of a profile, with an address or a telephone number
)

// Operations returns all operations, in the order in which lists show those of one user.
func Operations() []Operation { return []Operation{OperationProfile, OperationReset, OperationRole} }

// permission returns the permission that the requesting and the approving administrator need.
func (o Operation) permission() admin.Permission {
	return map[Operation]admin.Permission{OperationReset: admin.PermApprove, OperationRole: admin.PermAssignRoles, OperationProfile: admin.PermManage}[o]
}

// Approval is an operation that needs the consent of a second administrator (protocol rule 11). Its content never changes. A user has
// at most one of each operation.
type Approval struct {
	ID          string         `json:"id"` // "<user id>-<operation>-<random>"
	Operation   Operation      `json:"operation"`
	User        account.UserID `json:"user"`
	Login       string         `json:"login"`
	Reached     []string       `json:"reached"`               // addresses and numbers of the user at the request; other ones end the approval
	Resets      uint64         `json:"resets"`                // User.Resets at the request; a later reset ends the approval
	By          string         `json:"by"`                    // ID of the requesting principal
	ByName      string         `json:"byName,omitempty"`      // display name
	Owner       string         `json:"owner"`                 // owner of the requesting principal
	Token       string         `json:"token"`                 // hash of the requesting token; "": a session
	Epoch       uint64         `json:"epoch,omitempty"`       // of the owner, if they requested it in a session
	Reason      string         `json:"reason,omitempty"`      // that the requesting administrator gave
	HelpRequest string         `json:"helpRequest,omitempty"` // of a reset: the help request that it answers
	Role        *Role          `json:"role,omitempty"`        // of OperationRole
	At          time.Time      `json:"at"`
	Expires     time.Time      `json:"expires" since:"At"`

	Profile *directory.ProfileMembers `json:"profile,omitempty"` // of OperationProfile
}

// Role is a role to assign, or a group to add to the targets of an assignment.
type Role struct {
	Assignment string            `json:"assignment,omitempty"` // that gets the group; "": a new one
	Role       account.Role      `json:"role"`
	Groups     []account.GroupID `json:"groups,omitempty"` // of a new assignment, none: all users; or the one further group
}

// Service stores approvals and performs approved operations. It is safe for concurrent use.
type Service struct {
	directory *directory.Service
	admin     *admin.Service
	helpDesk  *helpdesk.Service
	accounts  *account.Service

	approvals store.Table[Approval]
	pageReads int // store.PageReads, except in tests
}

// New returns a Service that performs the operations of a directory.
func New(d *directory.Service, ring *store.Keyring) *Service {
	return &Service{directory: d, admin: d.Admin, helpDesk: d.HelpDesk, accounts: d.Admin.Accounts,
		approvals: store.NewTable[Approval](ring, store.Approvals), pageReads: store.PageReads}
}

// key returns the key of the approval of an operation on a user. It begins the ids of these approvals.
func key(user account.UserID, o Operation) string { return string(user) + "-" + string(o) }

// parseID returns the user and the operation that an id of an approval names.
func parseID(id string) (account.UserID, Operation, bool) {
	parts := strings.SplitN(id, "-", 3)
	if len(parts) < 3 || len(parts[0]) != userIDLength {
		return "", "", false
	}
	o := Operation(parts[1])
	return account.UserID(parts[0]), o, slices.Contains(Operations(), o)
}

// reached returns the addresses and numbers of u.
func reached(u *account.User) []string {
	return []string{u.Login, u.Email, u.SecondEmail, u.PrimaryPhone.Number, u.MobilePhone.Number}
}

// pending returns the approval of an operation on u. It returns NotFound if there is none, it has expired, or since the request u was
// reset or got other addresses or numbers: the consent would be to an operation on another account.
func (s *Service) pending(raw store.Reader, u *account.User, o Operation, now time.Time) (Approval, error) {
	a, err := s.approvals.Get(raw, key(u.ID, o))
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (!now.Before(a.Expires) || a.Resets != u.Resets || !slices.Equal(a.Reached, reached(u))):
		return Approval{}, errcode.New(errcode.NotFound)
	case err != nil:
		return Approval{}, fmt.Errorf("loading approval: %w", err)
	}
	return a, nil
}

// visible reports whether p may read approvals of the operation on users in its scope. Those of roles name groups outside a group scope.
func (o Operation) visible(p admin.Principal) bool { return o != OperationRole || !p.Scoped() }

// find returns the approval with this id and its user. It returns NotFound if the user is outside the scope of p, and for a role if p
// has a group scope (protocol rule 21).
func (s *Service) find(r account.Reader, p admin.Principal, id string, now time.Time) (Approval, account.User, error) {
	user, o, ok := parseID(id)
	if !ok {
		return Approval{}, account.User{}, errcode.New(errcode.NotFound)
	}
	u, err := r.User(user)
	if err != nil {
		return Approval{}, u, err
	}
	if !p.InScope(&u) || !o.visible(p) {
		return Approval{}, u, errcode.New(errcode.NotFound)
	}
	a, err := s.pending(r.Raw, &u, o, now)
	if err == nil && a.ID != id {
		err = errcode.New(errcode.NotFound)
	}
	return a, u, err
}

// List returns a page of pending approvals of users in the scope of p, in the order of user ids. next is the cursor of the next page,
// or empty at the end.
func (s *Service) List(ctx context.Context, p admin.Principal, after string, limit int) (all []Approval, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	if after, _, err = s.admin.OpenCursor(p.ID, after); err != nil {
		return nil, "", err
	}
	from := after
	if user, o, ok := parseID(after); ok {
		from = key(user, o)
	}
	now := s.accounts.Now()
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		all, next = nil, ""
		r, read, last := s.accounts.Reader(snap), 0, ""
		return s.approvals.Scan(snap, "", from, 0, func(_ string, a Approval) error {
			if read >= s.pageReads {
				next = s.admin.SealCursor(p.ID, last, false) // the id of an approval that p may not read
				return store.ErrStop
			}
			read, last = read+3, a.ID // with the user
			switch _, _, err := s.find(r, p, a.ID, now); {
			case account.Missing(err):
				return nil
			case err != nil:
				return err
			case len(all) == limit:
				next = all[limit-1].ID
				return store.ErrStop
			}
			all = append(all, a)
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing approvals: %w", err)
	}
	return all, next, nil
}

// Get returns one pending approval.
func (s *Service) Get(ctx context.Context, p admin.Principal, id string) (a Approval, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return Approval{}, err
	}
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		a, _, err = s.find(r, p, id, now)
		return err
	})
	return a, err
}

// OfUser returns the pending approvals of operations on a user that p may read.
func (s *Service) OfUser(ctx context.Context, p admin.Principal, id string) (all []Approval, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		all = nil
		u, err := admin.FindUser(r, p, admin.PermRead, id)
		if err != nil {
			return err
		}
		for _, o := range Operations() {
			if !o.visible(p) {
				continue
			}
			switch a, err := s.pending(r.Raw, &u, o, now); {
			case err == nil:
				all = append(all, a)
			case errcode.Of(err) != errcode.NotFound:
				return err
			}
		}
		return nil
	})
	return all, err
}

// Sweep returns the sweep of expired approvals.
func (s *Service) Sweep() store.TableSweep {
	return store.NewSweep(s.approvals, func(a Approval) bool { return !s.accounts.Now().Before(a.Expires) })
}
