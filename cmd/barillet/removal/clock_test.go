package removal

import (
	"testing"
	"time"
)

func TestRemovalClock_AcceptsAClockThatIsAheadAfterADay(t *testing.T) {
	began := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var wall time.Time
	var ran time.Duration
	open := func(last time.Time) *Clock {
		wall, ran = began, 0
		return New(func() time.Time { return wall }, func() time.Duration { return ran }, last)
	}
	const hour, year = time.Hour, 365 * 24 * time.Hour
	type look struct{ ran, wall, want time.Duration } // since the start
	for name, c := range map[string]struct {
		last  time.Duration // the last event, before the start; 0: none
		looks []look
	}{
		"a right clock":                     {hour, []look{{0, 0, 0}, {hour, hour, hour}, {50 * hour, 50 * hour, 50 * hour}}},
		"a new store":                       {0, []look{{0, 0, 0}, {hour, hour, hour}}},
		"a year ahead for ever":             {hour, []look{{hour, hour, hour}, {2 * hour, year, 2 * hour}, {25 * hour, year + 23*hour, 25 * hour}, {26 * hour, year + 24*hour, year + 24*hour}, {27 * hour, year + 25*hour, year + 25*hour}}},
		"ahead for an hour":                 {hour, []look{{hour, year, hour}, {2 * hour, 2 * hour, 2 * hour}, {3 * hour, year, 3 * hour}, {26 * hour, year, 26 * hour}}},
		"set back":                          {hour, []look{{hour, -hour, -hour}, {2 * hour, 0, 0}}},
		"a start a year after the event":    {year, []look{{0, 0, -year}, {hour, hour, hour - year}, {23 * hour, 23 * hour, 23*hour - year}, {24 * hour, 24 * hour, 24 * hour}}},
		"a start half a day after an event": {12 * hour, []look{{0, 0, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			var last time.Time
			if c.last > 0 {
				last = began.Add(-c.last)
			}
			r := open(last)
			for _, l := range c.looks {
				wall, ran = began.Add(l.wall), l.ran
				if got := r.Now().Sub(began); got != l.want {
					t.Errorf("after %v with a clock of %v: got %v, want %v", l.ran, l.wall, got, l.want)
				}
			}
		})
	}
}
