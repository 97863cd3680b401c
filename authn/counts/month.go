package counts

import (
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// Days is how many days the counters are kept, at least. A month ends as a whole.
const Days = 90

// month has the counters of a group, or of all users, in a calendar month.
type month struct {
	Rows []row `json:"r"`
}

// row has the counters of those members who are in the same groups, so that a group scope sees those of its users only (protocol
// rule 21). The row of other members is hidden from every group scope.
type row struct {
	Others []account.GroupID `json:"g,omitempty"` // the other groups of the members, in order
	Hidden bool              `json:"h,omitempty"`
	Days   []dayCounts       `json:"d"`
}

type dayCounts struct {
	Day    int    `json:"d"` // since 1970
	Counts Counts `json:"n"`
}

// The limits of a month. Beyond them, a member counts in the hidden row.
const (
	maxOthers = 4
	maxRows   = 8
)

// allUsers is the group of all users in a key. No group has this id.
const allUsers = "all"

// monthKey returns the id of the month of a day.
func monthKey(group account.GroupID, day int) string {
	return string(group) + "/" + startOf(day).Format("2006-01")
}

// add adds counts of members who are in the same other groups. If limit is not 0, a new row above it is the hidden one.
func (m *month) add(others []account.GroupID, hidden bool, day int, c Counts, limit int) {
	is := func(r row) bool { return r.Hidden == hidden && slices.Equal(r.Others, others) }
	i := slices.IndexFunc(m.Rows, is)
	if i < 0 && limit > 0 && len(m.Rows) >= limit && !hidden {
		m.add(nil, true, day, c, limit)
		return
	}
	if i < 0 {
		i = len(m.Rows)
		m.Rows = append(m.Rows, row{Others: others, Hidden: hidden})
	}
	r := &m.Rows[i]
	j := slices.IndexFunc(r.Days, func(d dayCounts) bool { return d.Day == day })
	if j < 0 {
		j = len(r.Days)
		r.Days = append(r.Days, dayCounts{Day: day})
	}
	r.Days[j].Counts.Add(c)
}

// merge adds the counts of another month.
func (m *month) merge(other *month) {
	for _, r := range other.Rows {
		for _, d := range r.Days {
			m.add(r.Others, r.Hidden, d.Day, d.Counts, maxRows)
		}
	}
}

// Sweep returns the sweep of the months that ended more than Days ago, and of those of groups that do not exist any more.
func (s *Service) Sweep(now func() time.Time) store.TableSweep {
	return store.NewDependentSweep(s.months, func(r store.Reader, id string, _ month) (bool, error) {
		group, name, _ := strings.Cut(id, "/")
		start, err := time.Parse("2006-01", name)
		if err != nil || start.AddDate(0, 1, 0).Before(audit.Cutoff(now(), Days*24*time.Hour)) {
			return true, nil
		}
		if group == allUsers {
			return false, nil
		}
		_, err = s.accounts.Reader(r).Group(account.GroupID(group))
		return account.IsDeleted(err)
	})
}
