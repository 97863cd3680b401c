package counts

import (
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// SetInterval replaces the pause of the worker. Call it before Run.
func (s *Service) SetInterval(d time.Duration) { s.interval = d }

// MaxMonths is how many months an Update changes, at most.
const MaxMonths = maxKeys - 1

// Part and Month are the stored records.
type (
	Part  = part
	Month = month
)

// SamplePart returns what two events count as.
func SamplePart() Part {
	return part{[]entry{{"u1", 20515, Counts{SignIns: 1}}, {"", 20515, Counts{UnknownLogins: 40}}}}
}

// SampleMonth returns a month with each kind of row.
func SampleMonth() (m Month) {
	m.add(nil, false, 20515, Counts{1, 2, 3, 4, 5, 6, 7}, maxRows)
	m.add([]account.GroupID{"g2", "g3"}, false, 20516, Counts{SignIns: 1}, maxRows)
	m.add(nil, true, 20516, Counts{SignIns: 2}, maxRows)
	return m
}

// LargestMonth returns a month with as much as one can have, and numbers below 65,536.
func LargestMonth() (m Month) {
	for i := range maxRows + 2 {
		var others []account.GroupID
		for j := range maxOthers {
			others = append(others, account.GroupID(string(slices.Repeat([]byte{byte('a' + i)}, 26))+string(rune('a'+j))))
		}
		for day := range 31 {
			n := 1<<16 - 1
			m.add(others, false, 20515+day, Counts{n, n, n, n, n, n, n}, maxRows)
		}
	}
	return m
}

// Pending and Months are the tables.
func (s *Service) Pending() store.Table[part] { return s.pending }
func (s *Service) Months() store.Table[month] { return s.months }
