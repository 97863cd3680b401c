package authn_test

import (
	"flag"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/secret"
	"barillet/store"
)

// maxRounds is the number of rounds in one run. The first side alternates.
const maxRounds = 5

// legTime returns the time of one side in one round: -benchtime if it is a duration.
func legTime() time.Duration {
	d, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String())
	if err != nil {
		return time.Second
	}
	return d
}

// side is one side of a comparison. prepare returns the operation and the number of times it can run.
type side struct {
	name    string
	prepare func(b *testing.B) (act func(i int) error, most int)
}

// compare runs the sides in turn. It reports the median rate of each and the ratios of the first to the others.
func compare(b *testing.B, clients int, sides ...side) {
	rates := map[string][]float64{}
	for b.Loop() { // once: the rounds take longer than -benchtime
		for round := range maxRounds {
			order := slices.Clone(sides)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, s := range order {
				act, most := s.prepare(b)
				rates[s.name] = append(rates[s.name], rate(b, clients, most, act))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, s := range sides {
		b.ReportMetric(median(rates[s.name]), s.name+"/s")
		if i > 0 {
			b.ReportMetric(median(rates[sides[0].name])/median(rates[s.name]), "x-"+s.name)
		}
	}
}

// rate returns the operations per second of concurrent clients.
func rate(b *testing.B, clients, most int, act func(i int) error) float64 {
	b.Helper()
	var next, done atomic.Int64
	var all sync.WaitGroup
	start, patience := time.Now(), legTime()
	for range clients {
		all.Go(func() {
			for time.Since(start) < patience {
				i := int(next.Add(1)) - 1
				if i >= most {
					return
				}
				if err := act(i); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2]
}

// setGCAsInProgram sets the garbage collector as the program does, for both sides.
func setGCAsInProgram(b *testing.B) {
	percent := debug.SetGCPercent(400)
	b.Cleanup(func() { debug.SetGCPercent(percent) })
}

// unlimited is the count of an operation that can always be repeated.
const unlimited = 1 << 40

func verify(b *testing.B, crowd *authntest.Population, i int, transaction secret.Value, code []byte) error {
	req := crowd.From
	req.Browser = crowd.Users[i].Browser
	v, err := crowd.Authn.Verify(b.Context(), req, transaction, factors.InputCode, code)
	if err != nil {
		return fmt.Errorf("second step of %s: %w", crowd.Users[i].Login, err)
	}
	if !v.Accepted() {
		return fmt.Errorf("second step of %s: rejected %q, wait %v", crowd.Users[i].Login, v.Rejected, v.Wait)
	}
	return nil
}

// BenchmarkSessionCheck compares a session check with two bare reads of the store.
func BenchmarkSessionCheck(b *testing.B) {
	crowd := authntest.NewPopulation(b, 100)
	sessions := crowd.CreateSessions(100)
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := crowd.Sessions.Authenticate(b.Context(), sessions[i%len(sessions)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reads", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n := i % len(sessions)
			err := crowd.Store.View(b.Context(), func(s store.Snapshot) error {
				if _, err := s.Get(store.Sessions.Prefix + sessions[n].Hash()); err != nil {
					return err
				}
				_, err := s.Get(store.Summaries.Prefix + string(crowd.Users[n].ID))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("8", func(b *testing.B) { // clients
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, err := crowd.Sessions.Authenticate(b.Context(), sessions[i%len(sessions)]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
