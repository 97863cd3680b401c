package authn_test

import (
	"syscall"
	"testing"

	"barillet/authn/authntest"
)

// BenchmarkSecondStepCost is the processor time and memory of one second step. A store in memory leaves out the disk: set
// TMPDIR to a directory there.
func BenchmarkSecondStepCost(b *testing.B) {
	crowd := authntest.NewPopulation(b, 2000)
	setGCAsInProgram(b)
	b.ReportAllocs()
	var used int64
	b.ResetTimer()
	for n := 0; n < b.N; {
		b.StopTimer()
		logins, code := crowd.StartSignIns(len(crowd.Users)), []byte(crowd.NextStep())
		before := cpuTime(b)
		b.StartTimer()
		for i := 0; i < len(logins) && n < b.N; i, n = i+1, n+1 {
			if err := verify(b, crowd, i, logins[i], code); err != nil {
				b.Fatal(err)
			}
		}
		used += cpuTime(b) - before
	}
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
}

// cpuTime returns the processor time of this process in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r.Utime.Nano() + r.Stime.Nano()
}
