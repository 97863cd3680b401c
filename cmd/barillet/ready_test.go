package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"barillet/internal/diskspace"
	"barillet/store"
)

// countingStore counts its Updates. Each takes a while and ends with err.
type countingStore struct {
	store.Store
	updates atomic.Int64
	takes   time.Duration
	err     error
}

func (s *countingStore) Update(context.Context, func(store.Tx) error) error {
	s.updates.Add(1)
	time.Sleep(s.takes)
	return s.err
}

func newReadiness(t *testing.T, s store.Store) *readiness {
	t.Helper()
	space, err := diskspace.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	return &readiness{store: s, space: space, uptime: func() time.Duration { return time.Since(began) }}
}

func TestReadiness_WritesOnceInTenSecondsForAnyNumberOfCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &countingStore{takes: time.Second}
		r := newReadiness(t, s)
		for round := range int64(3) {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if got := r.check(t.Context()); got.Err != nil {
						t.Errorf("got %+v, want ready", got)
					}
				})
			}
			all.Wait()
			if n := s.updates.Load(); n != round+1 {
				t.Errorf("got %d writes, want %d", n, round+1)
			}
			time.Sleep(readyInterval)
		}
	})
}

func TestReadiness_NamesTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		store *countingStore
		want  string
	}{
		"a full disk":               {&countingStore{err: errors.Join(store.ErrUnavailable, syscall.ENOSPC)}, "disk"},
		"a read-only disk":          {&countingStore{err: errors.Join(store.ErrUnavailable, syscall.EROFS)}, "disk"},
		"a store that stopped":      {&countingStore{err: store.ErrUnavailable}, "store"},
		"a write that takes long":   {&countingStore{takes: time.Minute}, "store"},
		"a store that can write":    {&countingStore{}, ""},
		"a write that takes a bit":  {&countingStore{takes: time.Second}, ""},
		"a store that is not there": {&countingStore{err: store.ErrClosed}, "store"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReadiness(t, c.store)
				began := time.Now()
				got := r.check(t.Context())
				if got.Reason != c.want || (got.Err != nil) != (c.want != "") {
					t.Errorf("got %+v, want reason %q", got, c.want)
				}
				if took := time.Since(began); took > readyTimeout {
					t.Errorf("got the answer after %v, want at most %v", took, readyTimeout)
				}
				time.Sleep(c.store.takes) // until the write has ended
			})
		})
	}
}
