package counts

import (
	"errors"
	"slices"

	"barillet/authn/account"
	"barillet/store"
)

// maxKeys is how many keys one Update of a plan uses. A user has at most 32 groups, so each entry fits. As many of the largest months
// are smaller than store.MaxUpdateSize.
const maxKeys = 64

// plan is what one Update counts. The counters and what is noted change together, so each entry counts once.
type plan struct {
	s       *Service
	parts   []takenPart
	months  map[string]*month
	members map[account.UserID]account.Summary
}

// takenPart is a part of which the first entries are counted.
type takenPart struct {
	id          string
	taken, size int
}

func newPlan(s *Service) *plan {
	return &plan{s: s, months: map[string]*month{}, members: map[account.UserID]account.Summary{}}
}

// read plans the oldest entries, as many as fit into an Update.
func (p *plan) read(snap store.Snapshot) error {
	*p = *newPlan(p.s)
	r := p.s.accounts.Reader(snap)
	return p.s.pending.Scan(snap, "", "", 0, func(id string, noted part) error {
		now := takenPart{id: id, size: len(noted.Entries)}
		for _, e := range noted.Entries {
			fits, err := p.take(r, e)
			if err != nil {
				return err
			}
			if !fits {
				break
			}
			now.taken++
		}
		if now.taken > 0 {
			p.parts = append(p.parts, now)
		}
		if now.taken < now.size {
			return store.ErrStop
		}
		return nil
	})
}

// take adds an entry to the months, unless the Update would have too many keys.
func (p *plan) take(r account.Reader, e entry) (fits bool, err error) {
	member, known := p.members[e.User]
	if !known && e.User != "" {
		if member, err = r.Summary(e.User); err != nil && !account.Missing(err) {
			return false, err
		}
		p.members[e.User] = member // of a deleted user: without groups
	}
	groups := append(slices.Sorted(slices.Values(member.Groups)), allUsers)
	keys := len(p.parts) + 1 + len(p.months)
	for _, g := range groups {
		if p.months[monthKey(g, e.Day)] == nil {
			keys++
		}
	}
	if keys > maxKeys {
		return false, nil
	}
	for _, g := range groups {
		key := monthKey(g, e.Day)
		if p.months[key] == nil {
			p.months[key] = &month{}
		}
		if g == allUsers {
			p.months[key].add(nil, false, e.Day, e.Counts, 0)
			continue
		}
		others := slices.DeleteFunc(slices.Clone(groups[:len(groups)-1]), func(other account.GroupID) bool { return other == g })
		hidden := len(member.Roles) > 0 || len(others) > maxOthers
		if hidden {
			others = nil
		}
		p.months[key].add(others, hidden, e.Day, e.Counts, 0)
	}
	return true, nil
}

// apply adds the counts to the counters, and removes what it counted from what is noted. It has no effect if another process counted
// some of it.
func (p *plan) apply(tx store.Tx) error {
	for _, taken := range p.parts {
		noted, err := p.s.pending.Get(tx, taken.id)
		if exists, err := store.Found(err); err != nil {
			return err
		} else if !exists || len(noted.Entries) != taken.size {
			return errChanged
		}
		if taken.taken == taken.size {
			err = p.s.pending.Delete(tx, taken.id)
		} else {
			err = p.s.pending.Put(tx, taken.id, part{noted.Entries[taken.taken:]})
		}
		if err != nil {
			return err
		}
	}
	for id, more := range p.months {
		m, err := p.s.months.Get(tx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		m.merge(more)
		if err := p.s.months.Put(tx, id, m); err != nil {
			return err
		}
	}
	return nil
}

// errChanged means that another process counted some of a plan.
var errChanged = errors.New("another process counts")
