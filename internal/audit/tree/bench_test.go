package tree

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"barillet/internal/audit"
	"barillet/store"
)

// BenchmarkVerify verifies 20,000 events, and 1,000,000 in make torture.
func BenchmarkVerify(b *testing.B) {
	n := 20_000
	if os.Getenv("BARILLET_TORTURE") != "" {
		n = 1_000_000
	}
	f := newFixture(b)
	f.fill(n)
	f.advance()
	b.ResetTimer()
	before := processorTime(b)
	for b.Loop() {
		if report := f.verify(); report.Bad != nil || report.Entries != int64(n) {
			b.Fatalf("got %+v, want a good log", report)
		}
	}
	perEvent := float64(b.Elapsed().Nanoseconds()) / float64(b.N*n)
	b.ReportMetric(perEvent, "ns/event")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N*n), "cpu-ns/event")
	info, err := os.Stat(f.path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(n), "file-B/event")
}

// processorTime returns what the process used, so that a busy machine does not count.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// fill appends n events from several goroutines, many in one Update.
func (f *fixture) fill(n int) {
	const part, writers = 30, 16 // one key each
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for first := w * part; first < n; first += writers * part {
				count := min(part, n-first)
				ids := make([]string, count)
				for i := range ids {
					ids[i] = audit.NewID(start.Add(time.Duration(first+i) * time.Millisecond))
				}
				err := f.s.Update(context.Background(), func(tx store.Tx) error {
					for i, id := range ids {
						if err := f.log.Append(tx, id, sampleEvent(first+i)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkSequence numbers one event, as after a quiet second.
func BenchmarkSequence(b *testing.B) {
	f := newFixture(b)
	f.fill(1000)
	f.advance()
	for b.Loop() {
		b.StopTimer()
		f.append(1)
		b.StartTimer()
		if err := f.tree.Sequence(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
