package main

import "time"

// testingOnlyNow, set by the tests before the program runs, is a clock that end-to-end tests move to see what
// time does to codes, links and limits. It is nil in the released program, which has no switch for it.
var testingOnlyNow func() time.Time

// running is the time that goes by in the process, whatever becomes of the clock: only what it differs by counts.
func running() time.Time { return time.Now() }

// now is the one place where the program reads what the clock shows.
func now() time.Time {
	if testingOnlyNow != nil {
		return testingOnlyNow()
	}
	return time.Now()
}
