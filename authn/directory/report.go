package directory

import (
	"context"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/counts"
	"barillet/authn/roster"
	"barillet/factors"
	"barillet/internal/errcode"
)

// The kinds of LockoutRisk.
const (
	RiskUser  = "user"
	RiskGroup = "group"
)

// minManagers is the number of administrators who can reset the users of a group below which the group is a risk. One
// of two can be absent.
const minManagers = 2

// RiskQuery selects lock-out risks. The zero value selects all: users first, then groups.
type RiskQuery struct {
	Kind  string // RiskUser or RiskGroup; "": both
	After string // the cursor of an earlier call
	Limit int    // 1 to 200; 0 means 200
}

// LockoutRisk is a user or a group at risk of a lock-out.
type LockoutRisk struct {
	Kind    string
	User    account.User // active, with at most one usable device
	Devices DeviceSummary

	Group          account.Group
	CanReset       int  // administrators with a role for this group who can sign in; fewer than two
	UnscopedAdmins *int // administrators with a role for all users, not in CanReset; nil: not visible to the principal
}

// LockoutRisk returns the users who have no device or would be locked out by the loss of one, and the groups with fewer
// than two administrators who can reset. It reads page by page, so a page may be short or empty although another one
// follows. next is the cursor of the next page, or empty at the end. A principal with a group scope gets users and
// groups in the scope.
func (s *Service) LockoutRisk(ctx context.Context, p admin.Principal, q RiskQuery) (found []LockoutRisk, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	kind, after, begun := strings.Cut(q.After, ":")
	if !begun {
		kind = q.Kind
	}
	switch {
	case q.Kind != "" && q.Kind != RiskUser && q.Kind != RiskGroup:
		return nil, "", errcode.InvalidField("kind", "unknown")
	case q.After != "" && !begun, q.Kind != "" && kind != q.Kind:
		return nil, "", errcode.InvalidField("after", "unknown")
	case kind == RiskUser, kind == "":
		found, next, err = s.usersAtRisk(ctx, p, after, q.Limit)
		switch {
		case next != "":
			next = RiskUser + ":" + next
		case q.Kind == "":
			next = RiskGroup + ":"
		}
		return found, next, err
	case kind == RiskGroup:
		found, next, err = s.groupsAtRisk(ctx, p, after, q.Limit)
		if next != "" {
			next = RiskGroup + ":" + next
		}
		return found, next, err
	}
	return nil, "", errcode.InvalidField("after", "unknown")
}

// SignIns returns the counters of sign-ins of the last days, the oldest first, of one group or of all users. A principal with a group
// scope gets the counters of users in the scope. It returns Invalid with the field "days" or NotFound for a group outside the scope.
func (s *Service) SignIns(ctx context.Context, p admin.Principal, days int, group account.GroupID) ([]counts.Day, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, err
	}
	if days < 1 || days > counts.Days {
		return nil, errcode.InvalidField("days", "range")
	}
	if group != "" {
		if _, err := s.Group(ctx, p, group); err != nil {
			return nil, err
		}
	}
	q := counts.Query{Days: days, Group: group}
	if p.Scoped() {
		q.Scope = append([]account.GroupID{}, p.Groups...)
	}
	return s.counts.Read(ctx, q)
}

// usersAtRisk returns a page of the users at risk.
func (s *Service) usersAtRisk(ctx context.Context, p admin.Principal, after string, limit int) (found []LockoutRisk, next string, err error) {
	now := s.accounts.Now()
	users, next, err := s.Users(ctx, p, roster.UserQuery{After: after, Limit: limit, AtRisk: true})
	for i := range users {
		found = append(found, LockoutRisk{Kind: RiskUser, User: users[i], Devices: s.deviceSummary(&users[i], now)})
	}
	return found, next, err
}

// groupsAtRisk returns a page of the groups at risk.
func (s *Service) groupsAtRisk(ctx context.Context, p admin.Principal, after string, limit int) (found []LockoutRisk, next string, err error) {
	groups, next, err := s.Groups(ctx, p, account.GroupQuery{After: after, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	all, err := s.groupRisks(ctx, p, groups)
	for _, risk := range all {
		if risk.AtRisk() {
			found = append(found, risk)
		}
	}
	return found, next, err
}

// AtRisk reports whether fewer than two administrators with a role for the group can reset its users.
func (k *LockoutRisk) AtRisk() bool { return k.CanReset < minManagers }

// GroupRisk returns how many administrators can reset the users of a group, whether or not that is a risk. It returns NotFound for a
// group outside the scope of p.
func (s *Service) GroupRisk(ctx context.Context, p admin.Principal, id account.GroupID) (LockoutRisk, error) {
	g, err := s.Group(ctx, p, id)
	if err != nil {
		return LockoutRisk{}, err
	}
	all, err := s.groupRisks(ctx, p, []account.Group{g})
	if err != nil {
		return LockoutRisk{}, err
	}
	return all[0], nil
}

// groupRisks returns the administrators who can reset the users of each group.
func (s *Service) groupRisks(ctx context.Context, p admin.Principal, groups []account.Group) ([]LockoutRisk, error) {
	managers, unscoped, err := s.countResetters(ctx, groups)
	if err != nil {
		return nil, err
	}
	unscopedAdmins := &unscoped
	if p.Scoped() {
		unscopedAdmins = nil // they are outside the scope (protocol rule 21)
	}
	all := make([]LockoutRisk, len(groups))
	for i, g := range groups {
		all[i] = LockoutRisk{Kind: RiskGroup, Group: g, CanReset: managers[g.ID], UnscopedAdmins: unscopedAdmins}
	}
	return all, nil
}

// countResetters returns how many active administrators with a usable device may reset users: by group, of these groups, and
// for all users. It reads the administrators of these groups and those of all users only.
func (s *Service) countResetters(ctx context.Context, groups []account.Group) (managers map[account.GroupID]int, unscoped int, err error) {
	managers, now := map[account.GroupID]int{}, s.accounts.Now()
	q := roster.HolderQuery{All: true, MinRank: account.RoleHelpDesk.Rank(), Filter: func(u *account.User) bool {
		_, coolOff := u.CoolOff(now)
		return u.Status == account.StatusActive && s.accounts.CountPrimary(u) > 0 && !coolOff
	}}
	for _, g := range groups {
		q.Groups = append(q.Groups, g.ID)
	}
	holders, err := roster.Holders(ctx, s.accounts, q)
	for i := range holders {
		all, groups := resetScope(&holders[i])
		if all {
			unscoped++
		}
		for _, g := range groups {
			managers[g]++
		}
	}
	return managers, unscoped, err
}

// resetScope returns of whom u may reset devices: of all users, or of the users of the groups.
func resetScope(u *account.User) (all bool, groups []account.GroupID) {
	for _, g := range u.Active().Roles {
		as := admin.Principal{Owner: string(u.ID), Role: g.Role, Groups: g.Groups}
		switch {
		case as.Require(admin.PermReset) != nil:
		case as.Scoped():
			groups = append(groups, g.Groups...)
		default:
			all = true
		}
	}
	slices.Sort(groups)
	return all, slices.Compact(groups)
}

// DeviceSummary describes what a user can still sign in with.
type DeviceSummary struct {
	Devices       []factors.Device // usable primary devices (protocol rule 6), without Data
	Copies        int              // confirmed copies of them
	RecoveryCodes int              // unused recovery codes
	TicketUntil   time.Time        // expiry of the last ticket; zero: no valid ticket
}

// deviceSummary returns the summary of the user's devices at now.
func (s *Service) deviceSummary(u *account.User, now time.Time) DeviceSummary {
	var out DeviceSummary
	for _, d := range s.accounts.UsableDevices(u) {
		out.RecoveryCodes += s.accounts.Status(d).Remaining
		if !s.accounts.Method(d.Kind).Primary {
			continue
		}
		for _, c := range d.Copies {
			if !c.Confirmed.IsZero() && !c.ScanAgain {
				out.Copies++
			}
		}
		d.Data = nil
		out.Devices = append(out.Devices, d)
	}
	for _, t := range u.Tickets {
		if now.Before(t.Expires) && t.Expires.After(out.TicketUntil) {
			out.TicketUntil = t.Expires
		}
	}
	return out
}
