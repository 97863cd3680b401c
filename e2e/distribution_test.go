package e2e_test

import (
	"slices"
	"testing"
	"time"
)

// alike fails the test if two kinds of answers can be distinguished by the time they take: promise A12 allows a
// difference of the medians of 5 ms, or an area under the curve of 0.60, which is what a guess is worth that a
// slower answer is one of the second kind. No clock of the machine is trusted beyond that.
func alike(t *testing.T, what string, one, other []time.Duration) {
	t.Helper()
	apart := median(other) - median(one)
	area := area(one, other)
	t.Logf("%s: medians %v and %v, area %.2f of %d+%d", what, median(one), median(other), area, len(one), len(other))
	if apart.Abs() > 5*time.Millisecond && (area > 0.60 || area < 0.40) {
		t.Errorf("%s: the answers are told apart by their time: medians differ by %v, area %.2f", what, apart, area)
	}
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

// area is the probability that one of the second kind took longer than one of the first (Mann and Whitney).
func area(one, other []time.Duration) float64 {
	wins := 0.0
	for _, b := range other {
		for _, a := range one {
			switch {
			case b > a:
				wins++
			case b == a:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(one)*len(other))
}

func TestDistribution_DetectsDifferentTimes(t *testing.T) {
	fast, slow := make([]time.Duration, 300), make([]time.Duration, 300)
	for i := range fast {
		fast[i] = time.Duration(i%40) * time.Millisecond
		slow[i] = fast[i] + 8*time.Millisecond
	}
	if got := area(fast, slow); got <= 0.60 {
		t.Errorf("got an area of %.2f for answers 8 ms apart, want more than 0.60", got)
	}
	if got := area(fast, fast); got != 0.5 {
		t.Errorf("got an area of %.2f for the same answers, want 0.50", got)
	}
	if got, want := median(slow)-median(fast), 8*time.Millisecond; got != want {
		t.Errorf("got medians %v apart, want %v", got, want)
	}
}
