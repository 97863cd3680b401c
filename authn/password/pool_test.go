package password

// These tests call the pool directly, to hold its slots as long as they need.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barillet/internal/errcode"
)

// arrivals calls a pool by named callers, one after the other, and records which of them get a slot.
type arrivals struct {
	t    *testing.T
	pool *pool

	mu      sync.Mutex
	served  []string
	refused map[string]error
	release map[string]func()
}

func newArrivals(t *testing.T, slots, maxQueue int) *arrivals {
	return &arrivals{t: t, pool: newPool(slots, maxQueue), refused: map[string]error{}, release: map[string]func(){}}
}

func (a *arrivals) arrive(ctx context.Context, name string, priority bool) {
	go func() {
		release, err := a.pool.acquire(ctx, priority)
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil {
			a.refused[name] = err
			return
		}
		a.served = append(a.served, name)
		a.release[name] = release
	}()
	synctest.Wait()
}

func (a *arrivals) leave(name string) {
	a.t.Helper()
	a.mu.Lock()
	release := a.release[name]
	a.mu.Unlock()
	if release == nil {
		a.t.Fatalf("%s has no slot to release; served: %v", name, a.served)
	}
	release()
	synctest.Wait()
}

// refusal returns the error of a caller; nil if there is none.
func (a *arrivals) refusal(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused[name]
}

// last returns the caller that got the last slot.
func (a *arrivals) last() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.served[len(a.served)-1]
}

func (a *arrivals) want(served ...string) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.served, served) {
		a.t.Errorf("got %v served, want %v", a.served, served)
	}
}

func TestPool_LimitsRunningHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(3, 1000)
		var mu sync.Mutex
		running, peak := 0, 0
		for i := range 90 {
			go func() {
				release, err := pool.acquire(context.Background(), i%2 == 0)
				if err != nil {
					t.Errorf("arrival %d: %v", i, err)
					return
				}
				defer release()
				mu.Lock()
				running++
				peak = max(peak, running)
				mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				mu.Lock()
				running--
				mu.Unlock()
			}()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if peak != 3 || running != 0 || pool.running != 0 || pool.lowRunning != 0 {
			t.Errorf("got %d at peak, then %d (%d, %d), want 3, then none", peak, running, pool.running, pool.lowRunning)
		}
	})
}

func TestPool_ServesInOrderOfArrival(t *testing.T) {
	for _, priority := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := newArrivals(t, 1, 100)
			var names []string
			for i := range 20 {
				names = append(names, fmt.Sprint(i))
				a.arrive(t.Context(), names[i], priority)
			}
			for i, name := range names {
				a.want(names[:i+1]...)
				a.leave(name)
			}
		})
	}
}

func TestPool_ReservesThirdForPriority(t *testing.T) {
	for slots, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 6: 4} {
		synctest.Test(t, func(t *testing.T) {
			a := newArrivals(t, slots, 100)
			for i := range 20 {
				a.arrive(t.Context(), fmt.Sprint("low ", i), false)
			}
			var first []string
			for i := range want {
				first = append(first, fmt.Sprint("low ", i))
			}
			a.want(first...)
			if slots < 3 {
				a.leave("low 0")
				return
			}
			a.arrive(t.Context(), "high", true)
			if got := a.last(); got != "high" {
				t.Errorf("%d slots: the caller with priority waits", slots)
			}
		})
	}
}

func TestPool_ServesPriorityFirstTwoInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 100)
		a.arrive(t.Context(), "first", false)
		for i := range 3 {
			a.arrive(t.Context(), fmt.Sprint("low ", i), false)
		}
		for i := range 4 {
			a.arrive(t.Context(), fmt.Sprint("high ", i), true)
		}
		want := []string{"first", "high 0", "high 1", "low 0", "high 2", "high 3", "low 1", "low 2"}
		for i, name := range want {
			a.want(want[:i+1]...)
			a.leave(name)
		}
	})
}

func TestPool_RejectsAfterMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 100)
		a.arrive(t.Context(), "slow", false)
		a.arrive(t.Context(), "patient", true)
		time.Sleep(maxWait - time.Millisecond)
		synctest.Wait()
		if err := a.refusal("patient"); err != nil {
			t.Fatalf("got %v before the wait was over", err)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		refusal, _ := errors.AsType[*errcode.Error](a.refusal("patient"))
		if refusal == nil || refusal.Code != errcode.Overloaded || refusal.RetryAfter <= 0 {
			t.Fatalf("got %v, want ErrOverloaded with RetryAfter", a.refusal("patient"))
		}
		a.arrive(t.Context(), "next", false)
		a.leave("slow")
		a.want("slow", "next") // the slot did not go to the caller that gave up
	})
}

func TestPool_RejectsImmediatelyIfQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 3)
		for i := range 5 {
			a.arrive(t.Context(), fmt.Sprint("low ", i), false)
		}
		for i := range 5 {
			got := errcode.Of(a.refusal(fmt.Sprint("low ", i)))
			if want := i == 4; (got == errcode.Overloaded) != want {
				t.Errorf("low %d: got %q, want only the fifth rejected: one runs, three wait", i, got)
			}
		}
		a.arrive(t.Context(), "high", true)
		if err := a.refusal("high"); err != nil {
			t.Errorf("callers without priority filled the queue of those with priority: %v", err)
		}
		a.leave("low 0")
		a.want("low 0", "high")
		for range 4 { // the caller with priority and the three that waited
			a.leave(a.last())
		}
		a.arrive(t.Context(), "late", false)
		if got := a.last(); got != "late" {
			t.Errorf("got %s served last: the queue is still full", got)
		}
	})
}

func TestPool_RemovesCanceledCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 100)
		ctx, cancel := context.WithCancelCause(t.Context())
		canceled := errors.New("request canceled")
		a.arrive(t.Context(), "first", false)
		a.arrive(ctx, "gone", false)
		a.arrive(t.Context(), "second", false)
		cancel(canceled)
		synctest.Wait()
		if err := a.refusal("gone"); !errors.Is(err, canceled) {
			t.Errorf("got %v, want the cause", err)
		}
		a.leave("first")
		a.want("first", "second")
		a.leave("second")
		if a.pool.running != 0 || a.pool.lowRunning != 0 {
			t.Errorf("got %d running, %d without priority, want none", a.pool.running, a.pool.lowRunning)
		}
	})
}

func TestQueueLength(t *testing.T) {
	tests := []struct {
		slots int
		cost  Cost
		want  int
	}{
		{2, Cost{19456, 2, 1}, 105},
		{4, Cost{19456, 2, 1}, 210},
		{1, Cost{256 << 10, 10, 1}, 0},
	}
	for _, tt := range tests {
		if got := queueLength(tt.slots, tt.cost); got != tt.want {
			t.Errorf("%d slots at %v: got %d, want %d", tt.slots, tt.cost, got, tt.want)
		}
		if pool := newPool(tt.slots, tt.want); pool.maxQueue < tt.slots {
			t.Errorf("%d slots: a queue of %d", tt.slots, pool.maxQueue)
		}
	}
}

// FuzzParseRecord checks that a parsed record has one spelling and a cost that Argon2 accepts without panic.
func FuzzParseRecord(f *testing.F) {
	good := record{
		cost: Cost{Memory: 19456, Time: 2, Threads: 1}, pepper: make([]byte, 8), salt: make([]byte, 16), key: make([]byte, 32),
	}
	f.Add(good.String())
	good.cost = Cost{Memory: 256 << 10, Time: 10, Threads: 8}
	good.salt, good.key = make([]byte, 48), make([]byte, 64)
	f.Add(good.String())
	f.Add("$argon2id$v=19$m=19456,t=0,p=1,keyid=AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, phc string) {
		r, err := parseRecord(phc, 8<<10)
		if err != nil {
			if r.key != nil || r.salt != nil || r.pepper != nil {
				t.Errorf("got a record with error %v", err)
			}
			return
		}
		if got := r.String(); got != phc {
			t.Errorf("got %q, want %q", got, phc)
		}
		if err := r.cost.check(8 << 10); err != nil {
			t.Error(err)
		}
	})
}

func TestLoad_CountsWhatWaitsRunsAndIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 2)
		h := &Hasher{pool: a.pool}
		for _, name := range []string{"runs", "waits", "waits too", "is refused"} {
			a.arrive(t.Context(), name, true)
		}
		if got, want := h.Load(), (Load{Running: 1, Waiting: 2, Refused: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		time.Sleep(maxWait)
		synctest.Wait()
		a.leave("runs")
		if got, want := h.Load(), (Load{Refused: 3}); got != want {
			t.Errorf("after the wait: got %+v, want %+v", got, want)
		}
	})
}
