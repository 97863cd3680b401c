package directory

import (
	"context"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// What a Risk is about.
const (
	RiskUser  = "user"
	RiskGroup = "group"
)

// enoughManagers is how many of a garage can reset before it is no risk: one is on holiday some day.
const enoughManagers = 2

// RiskQuery asks for what may end in a lock-out. The zero value is all: people first, then garages.
type RiskQuery struct {
	Kind  string // RiskUser or RiskGroup alone
	After string // the cursor of an earlier call
	Limit int    // 1 to 200; 0 means 200
}

// LockoutRisk is a person or a garage.
type LockoutRisk struct {
	Kind   string
	Person account.User // active, with at most one device that counts
	Hold   account.DeviceSummary

	Garage         account.Group
	CanReset       int  // people whose role is for this garage and who can sign in themselves: fewer than two
	UnscopedAdmins *int // those whose role is for everybody, who are seldom at the counter: not counted; nil: not to be told
}

// LockoutRisk lists who would be locked out by the loss of one device, who has none, and which garages have fewer than
// two people who can reset. It reads page by page, so a page may be short, even empty, and have a next one; next is
// its cursor, "" at the end. An operator limited to groups sees the people and garages within.
func (d *Service) LockoutRisk(ctx context.Context, op admin.Principal, q RiskQuery) (found []LockoutRisk, next string, err error) {
	if err := op.Require(admin.PermRead); err != nil {
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
		found, next, err = d.usersAtRisk(ctx, op, after, q.Limit)
		switch {
		case next != "":
			next = RiskUser + ":" + next
		case q.Kind == "":
			next = RiskGroup + ":"
		}
		return found, next, err
	case kind == RiskGroup:
		found, next, err = d.groupsAtRisk(ctx, op, after, q.Limit)
		if next != "" {
			next = RiskGroup + ":" + next
		}
		return found, next, err
	}
	return nil, "", errcode.InvalidField("after", "unknown")
}

func (d *Service) usersAtRisk(ctx context.Context, op admin.Principal, after string, limit int) (found []LockoutRisk, next string, err error) {
	now := d.accounts.Now()
	people, next, err := d.Users(ctx, op, account.UserQuery{After: after, Limit: limit, Filter: func(u account.User) bool {
		return u.Status == account.StatusActive && len(d.accounts.DeviceSummary(&u, now).Devices) <= 1
	}})
	for i := range people {
		found = append(found, LockoutRisk{Kind: RiskUser, Person: people[i], Hold: d.accounts.DeviceSummary(&people[i], now)})
	}
	return found, next, err
}

func (d *Service) groupsAtRisk(ctx context.Context, op admin.Principal, after string, limit int) (found []LockoutRisk, next string, err error) {
	managers, everywhere, err := d.whoCanReset(ctx)
	if err != nil {
		return nil, "", err
	}
	unscoped := &everywhere
	if op.Scoped() {
		unscoped = nil // how many there are outside is not told (PROTOCOL 21)
	}
	garages, next, err := d.Groups(ctx, op, account.GroupQuery{After: after, Limit: limit})
	for _, g := range garages {
		if n := managers[g.ID]; n < enoughManagers {
			found = append(found, LockoutRisk{Kind: RiskGroup, Garage: g, CanReset: n, UnscopedAdmins: unscoped})
		}
	}
	return found, next, err
}

// whoCanReset counts those who are active, have a device to sign in with, and may reset: by garage, and everywhere.
func (d *Service) whoCanReset(ctx context.Context) (managers map[account.GroupID]int, everywhere int, err error) {
	managers = map[account.GroupID]int{}
	now := d.accounts.Now()
	for after := ""; ; {
		staff, next, err := d.accounts.ListAdministrators(ctx, after)
		if err != nil {
			return nil, 0, err
		}
		for i := range staff {
			if u := &staff[i]; u.Status == account.StatusActive && len(d.accounts.DeviceSummary(u, now).Devices) > 0 {
				all, garages := mayReset(u)
				if all {
					everywhere++
				}
				for _, g := range garages {
					managers[g]++
				}
			}
		}
		if after = next; next == "" {
			return managers, everywhere, nil
		}
	}
}

// mayReset tells of whom the person may reset devices: everybody, or the people of these garages.
func mayReset(u *account.User) (all bool, garages []account.GroupID) {
	for _, g := range u.Roles {
		as := admin.Principal{Owner: string(u.ID), Role: g.Role, Groups: g.Groups}
		switch {
		case as.Require(admin.PermReset) != nil:
		case as.Scoped():
			garages = append(garages, g.Groups...)
		default:
			all = true
		}
	}
	slices.Sort(garages)
	return all, slices.Compact(garages)
}
