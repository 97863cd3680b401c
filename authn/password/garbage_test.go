package password_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barillet/authn/password"
	"barillet/store"
)

// Sign-ins at full load leave the garbage of a few hashes, and not of as many as the value of GOGC allows.
func TestLimitGarbage_BoundsTheMemoryOfManySignIns(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	synctest.Test(t, boundsMemory) // so that the timer of the Hasher ends with the test
}

func boundsMemory(t *testing.T) {
	const size, slots, limit = 8 << 20, 2, 4
	h := newHasher(t, store.NewRootKeys().Pepper, password.Policy{MaxConcurrent: slots, Cost: password.Cost{Memory: size >> 10, Time: 1, Threads: 1}})
	h.LimitGarbage(limit)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if _, err := h.Hash(context.Background(), true, "quai des brumes"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	if got := after.NumForcedGC - before.NumForcedGC; got != 8*5/limit {
		t.Errorf("40 hashes: got %d collections, want %d", got, 8*5/limit)
	}
	// HeapSys does not shrink, so it is the peak.
	if got, want := after.HeapSys-before.HeapSys, uint64(slots+limit+2)*size; got > want {
		t.Errorf("the heap grew by %d MiB, want at most %d", got>>20, want>>20)
	}
	time.Sleep(31 * time.Second)
	synctest.Wait()
}

// Half a minute after the last sign-in the memory goes back to the system, and GOGC has its value again.
func TestLimitGarbage_ReturnsMemoryAfterTheLastSignIn(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(150))
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: password.Cost{Memory: 8 << 10, Time: 1, Threads: 1}})
		h.LimitGarbage(4)
		for range 2 { // it works again after a rest
			var before, after runtime.MemStats
			hashOf(t, h, "quai des brumes")
			runtime.ReadMemStats(&before)
			time.Sleep(20 * time.Second)
			hashOf(t, h, "quai des brumes")
			time.Sleep(20 * time.Second)
			if got := percent(); got != -1 {
				t.Errorf("GOGC within half a minute: got %d, want -1", got)
			}
			time.Sleep(11 * time.Second)
			synctest.Wait()
			if got := percent(); got != 150 {
				t.Errorf("GOGC after half a minute: got %d, want 150", got)
			}
			runtime.ReadMemStats(&after)
			if idle, had := after.HeapIdle-after.HeapReleased, before.HeapAlloc; idle > 4<<20 || after.HeapAlloc+8<<20 > had {
				t.Errorf("after half a minute: got %d bytes of %d in use and %d not returned", after.HeapAlloc, had, idle)
			}
		}
	})
}

// percent returns the value of GOGC.
func percent() int {
	value := debug.SetGCPercent(-1)
	debug.SetGCPercent(value)
	return value
}
