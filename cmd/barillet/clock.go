package main

import "time"

// testingOnlyNow is a clock that end-to-end tests move. Tests set it before the program runs; it is nil in the released
// program.
var testingOnlyNow func() time.Time

// stopwatch returns a function that returns the time since then. It uses the monotonic clock, which stops while the host
// sleeps.
func stopwatch() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// now returns the current time. No other function of the program calls time.Now for it.
func now() time.Time {
	if testingOnlyNow != nil {
		return testingOnlyNow()
	}
	return time.Now()
}
