package authn_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
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
	"barillet/store/bolt"
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

// rawCommit stores one record of 512 bytes per operation.
func rawCommit(b *testing.B) side {
	s, value := rawStore(b), make([]byte, 512)
	var n atomic.Int64
	return side{"raw", func(*testing.B) (func(int) error, int) {
		return func(int) error {
			key := fmt.Sprintf("a/%08d", n.Add(1)*7919%100_000)
			return s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(key, value) })
		}, unlimited
	}}
}

// rawRecords stores records of the number and size that a second step stores: a user, a session and two audit events. It
// deletes a transaction.
func rawRecords(b *testing.B) side {
	s := rawStore(b)
	var n atomic.Int64
	return side{"records", func(*testing.B) (func(int) error, int) {
		return func(int) error {
			i, session := n.Add(1), secret.New().Hash()
			return s.Update(context.Background(), func(tx store.Tx) error {
				return errors.Join(tx.Put(fmt.Sprintf("user/%08d", i*7919%12_000), make([]byte, 2048)),
					tx.Put("session/"+session, make([]byte, 512)),
					tx.Put(fmt.Sprintf("audit/%016d-1", i), make([]byte, 512)),
					tx.Put(fmt.Sprintf("audit/%016d-2", i), make([]byte, 512)))
			})
		}, unlimited
	}}
}

func rawStore(b *testing.B) *bolt.Store {
	b.Helper()
	s, err := bolt.Open(filepath.Join(b.TempDir(), "raw.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkSecondStep compares the second step with bare group commits of as many writers: of one small record, and of the
// same records.
func BenchmarkSecondStep(b *testing.B) {
	for _, clients := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			crowd := authntest.NewPopulation(b, min(1000+clients*400, 12000))
			setGCAsInProgram(b)
			compare(b, clients, side{"second-steps", func(b *testing.B) (func(int) error, int) {
				logins, code := crowd.StartSignIns(len(crowd.Users)), []byte(crowd.NextStep())
				return func(i int) error { return verify(b, crowd, i, logins[i], code) }, len(logins)
			}}, rawCommit(b), rawRecords(b))
		})
	}
}

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
				if _, err := s.Get(store.Sessions.Prefix + sessions[n].Key()); err != nil {
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
