package counts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// Query selects counters.
type Query struct {
	Days  int             // the last ones, with today: 1 to Days
	Group account.GroupID // of its members; empty: any
	// Scope are groups. Only users count all of whose groups are among them and who have no role. Nil means all users.
	Scope []account.GroupID
}

// Day is the counters of one day in UTC.
type Day struct {
	Start time.Time
	Counts
}

// Read returns the counters of each day, the oldest first. Each event counts once. Read reads at most four records of each group of
// the query.
func (s *Service) Read(ctx context.Context, q Query) ([]Day, error) {
	today := dayOf(s.accounts.Now())
	days := make([]Day, q.Days)
	first := today - len(days) + 1
	for i := range days {
		days[i].Start = startOf(first + i)
	}
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		for i := range days {
			days[i].Counts = Counts{}
		}
		groups, err := s.groupsOf(snap, q)
		if err != nil {
			return err
		}
		seen := map[string]bool{} // the rows of members of several groups are in the month of each
		for start := startOf(first); !start.After(startOf(today)); start = time.Date(start.Year(), start.Month()+1, 1, 0, 0, 0, 0, time.UTC) {
			for _, g := range groups {
				m, err := s.months.Get(snap, monthKey(g, dayOf(start)))
				if found, err := store.Found(err); err != nil {
					return err
				} else if !found {
					continue
				}
				for _, r := range m.Rows {
					if q.selects(g, &r) && !seen[r.name(g, start)] {
						seen[r.name(g, start)] = true
						r.addTo(days, first)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading counters of sign-ins: %w", err)
	}
	return days, nil
}

// groupsOf returns the groups whose months have every row of the query. A deleted group of a scope has no users.
func (s *Service) groupsOf(snap store.Snapshot, q Query) (groups []account.GroupID, err error) {
	switch {
	case q.Scope == nil && q.Group == "":
		return []account.GroupID{allUsers}, nil
	case q.Scope == nil:
		return []account.GroupID{q.Group}, nil
	}
	r := s.accounts.Reader(snap)
	for _, g := range slices.Compact(slices.Sorted(slices.Values(q.Scope))) {
		_, err := r.Group(g)
		if account.Missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// selects reports whether the query selects a row of a group.
func (q *Query) selects(of account.GroupID, r *row) bool {
	return q.Scope == nil || !r.Hidden && (q.Group == "" || q.Group == of || slices.Contains(r.Others, q.Group)) &&
		!slices.ContainsFunc(r.Others, func(g account.GroupID) bool { return !slices.Contains(q.Scope, g) })
}

// name returns what is equal for the rows of the same members in a month. A hidden row has members that differ by group.
func (r *row) name(of account.GroupID, month time.Time) string {
	all := []string{month.Format("2006-01"), string(of)}
	for _, g := range r.Others {
		all = append(all, string(g))
	}
	slices.Sort(all)
	name := strings.Join(all, " ")
	if r.Hidden {
		name += " hidden"
	}
	return name
}

// addTo adds the counters of the row to days, of which the first one is given.
func (r *row) addTo(days []Day, first int) {
	for _, d := range r.Days {
		if i := d.Day - first; i >= 0 && i < len(days) {
			days[i].Counts.Add(d.Counts)
		}
	}
}
