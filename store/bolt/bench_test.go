package bolt_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"barillet/store"
	"barillet/store/bolt"
)

// spread runs b.N calls in the given number of goroutines.
func spread(b *testing.B, writers int, call func(n int64) error) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range writers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := call(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkUpdate stores a record of 512 bytes, through this package and through bbolt alone.
func BenchmarkUpdate(b *testing.B) {
	value := make([]byte, 512)
	key := func(n int64) string { return fmt.Sprintf("a/%08d", n*7919%100_000) }
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("group/%d", writers), func(b *testing.B) {
			s, err := bolt.Open(filepath.Join(b.TempDir(), "barillet.db"), bolt.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			spread(b, writers, func(n int64) error {
				return s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(key(n), value) })
			})
		})
		b.Run(fmt.Sprintf("bbolt/%d", writers), func(b *testing.B) {
			db, err := bbolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, &bbolt.Options{
				FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			spread(b, writers, func(n int64) error {
				return db.Update(func(tx *bbolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("a"))
					if err != nil {
						return err
					}
					return bucket.Put([]byte(key(n)), value)
				})
			})
		})
	}
}

func BenchmarkViewGet(b *testing.B) {
	s, err := bolt.Open(filepath.Join(b.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range 400 {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for j := range 50 {
				if err := tx.Put(fmt.Sprintf("a/%03d-%03d", i, j), make([]byte, 512)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		err := s.View(context.Background(), func(snap store.Snapshot) error {
			_, err := snap.Get("a/200-025")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
