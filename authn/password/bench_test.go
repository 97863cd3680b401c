package password_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/argon2"

	"barillet/authn/password"
	"barillet/store"
)

// BenchmarkPassword measures plain Argon2id and the pool, so that one run gives the ratio.
func BenchmarkPassword(b *testing.B) {
	p := newHasher(b, store.NewRootKeys().Pepper, password.Policy{})
	phc := hashOf(b, p, "quai des brumes")
	salt, cost := make([]byte, 16), p.Policy.Cost
	bare := func() error {
		argon2.IDKey([]byte("quai des brumes"), salt, cost.Time, cost.Memory, cost.Threads, 32)
		return nil
	}
	verify := func() error {
		ok, _, err := p.Verify(context.Background(), false, phc, "quai des brumes")
		if err == nil && !ok {
			return fmt.Errorf("the correct password was rejected")
		}
		return err
	}
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			hashOf(b, p, "quai des brumes")
		}
	})
	b.Run("bare/1", func(b *testing.B) { together(b, 1, bare) })
	b.Run(fmt.Sprintf("bare/%d", p.Policy.MaxConcurrent), func(b *testing.B) { together(b, p.Policy.MaxConcurrent, bare) })
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("pool/%d", clients), func(b *testing.B) { together(b, clients, verify) })
	}
}

// together calls fn b.N times in total, in a number of goroutines.
func together(b *testing.B, clients int, fn func() error) {
	var done atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range clients {
		all.Go(func() {
			for done.Add(1) <= int64(b.N) {
				if err := fn(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hashes/s")
}

func BenchmarkValidate(b *testing.B) {
	p := newHasher(b, store.NewRootKeys().Pepper, password.Policy{Context: []string{"Garage Martin"}})
	about := []string{"lea.vasseur@atelier-nord.example", "Léa Vasseur"}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Validate("trois chats sur le capot", about); err != nil {
			b.Fatal(err)
		}
	}
}
