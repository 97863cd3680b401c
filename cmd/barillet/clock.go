package main

import "time"

// testingOnlyNow, set by the tests before the program runs, is a clock that end-to-end tests move to see what
// time does to codes, links and limits. It is nil in the released program, which has no switch for it.
var testingOnlyNow func() time.Time

// stopwatch tells how much time went by since it was made, whatever became of the clock: by the monotonic one, which
// stands still while the machine sleeps.
func stopwatch() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// now is the one place where the program reads what the clock shows.
func now() time.Time {
	if testingOnlyNow != nil {
		return testingOnlyNow()
	}
	return time.Now()
}
