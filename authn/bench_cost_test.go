package authn_test

import (
	"fmt"
	"os"
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
	var used, pages, size int64
	b.ResetTimer()
	for n := 0; n < b.N; {
		b.StopTimer()
		logins, code := crowd.StartSignIns(len(crowd.Users)), []byte(crowd.NextStep())
		before := cpuTime(b)
		p0, s0 := written(b)
		b.StartTimer()
		for i := 0; i < len(logins) && n < b.N; i, n = i+1, n+1 {
			if err := verify(b, crowd, i, logins[i], code); err != nil {
				b.Fatal(err)
			}
		}
		used += cpuTime(b) - before
		p1, s1 := written(b)
		pages, size = pages+p1-p0, size+s1-s0
	}
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(pages)/float64(b.N), "writes/op")
	b.ReportMetric(float64(size)/float64(b.N), "written-B/op")
}

// cpuTime returns the processor time of this process in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

// written returns the number of writes of this process and their bytes.
func written(b *testing.B) (calls, size int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err == nil {
		var read, reads int64
		_, err = fmt.Sscanf(string(text), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d", &read, &size, &reads, &calls)
	}
	if err != nil {
		b.Fatal(err)
	}
	return calls, size
}
