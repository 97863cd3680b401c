package password

// The pool has no exported door of its own: these tests hold its slots as long as they like, which a hash
// cannot.

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

// arrivals lets people into a pool one after the other and writes down who got a slot.
type arrivals struct {
	t    *testing.T
	pool *pool

	mu      sync.Mutex
	served  []string
	refused map[string]error
	release map[string]func()
}

func newArrivals(t *testing.T, slots, limit int) *arrivals {
	return &arrivals{t: t, pool: newPool(slots, limit), refused: map[string]error{}, release: map[string]func(){}}
}

func (a *arrivals) arrive(ctx context.Context, name string, known bool) {
	go func() {
		release, err := a.pool.acquire(ctx, known)
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
		a.t.Fatalf("%s has no slot to give back; served: %v", name, a.served)
	}
	release()
	synctest.Wait()
}

// refusal is what somebody was refused with, nil when they were not.
func (a *arrivals) refusal(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused[name]
}

// last is who was served last.
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

func TestNoMoreRunAtOnceThanSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(3, 1000)
		var mu sync.Mutex
		running, most := 0, 0
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
				most = max(most, running)
				mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				mu.Lock()
				running--
				mu.Unlock()
			}()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if most != 3 || running != 0 || pool.running != 0 || pool.lowRunning != 0 {
			t.Errorf("got %d at most, then %d (%d, %d), want 3, then none", most, running, pool.running, pool.lowRunning)
		}
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	for _, known := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := newArrivals(t, 1, 100)
			var names []string
			for i := range 20 {
				names = append(names, fmt.Sprint(i))
				a.arrive(t.Context(), names[i], known)
			}
			for i, name := range names {
				a.want(names[:i+1]...)
				a.leave(name)
			}
		})
	}
}

func TestStrangersNeverTakeTheThirdOfTheKnown(t *testing.T) {
	for slots, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 6: 4} {
		synctest.Test(t, func(t *testing.T) {
			a := newArrivals(t, slots, 100)
			for i := range 20 {
				a.arrive(t.Context(), fmt.Sprint("stranger ", i), false)
			}
			var first []string
			for i := range want {
				first = append(first, fmt.Sprint("stranger ", i))
			}
			a.want(first...)
			if slots < 3 {
				a.leave("stranger 0")
				return
			}
			a.arrive(t.Context(), "known", true)
			if got := a.last(); got != "known" {
				t.Errorf("%d slots: the known browser waits behind strangers", slots)
			}
		})
	}
}

func TestKnownBrowsersGoFirstButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 100)
		a.arrive(t.Context(), "first", false)
		for i := range 3 {
			a.arrive(t.Context(), fmt.Sprint("stranger ", i), false)
		}
		for i := range 4 {
			a.arrive(t.Context(), fmt.Sprint("known ", i), true)
		}
		want := []string{"first", "known 0", "known 1", "stranger 0", "known 2", "known 3", "stranger 1", "stranger 2"}
		for i, name := range want {
			a.want(want[:i+1]...)
			a.leave(name)
		}
	})
}

func TestWhoWaitsTooLongIsToldBusy(t *testing.T) {
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
			t.Fatalf("got %v, want busy with a time to come back", a.refusal("patient"))
		}
		a.arrive(t.Context(), "next", false)
		a.leave("slow")
		a.want("slow", "next") // the slot did not go to the one who went away
	})
}

func TestPastTheQueueTheAnswerIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 3)
		for i := range 5 {
			a.arrive(t.Context(), fmt.Sprint("stranger ", i), false)
		}
		for i := range 5 {
			got := errcode.Of(a.refusal(fmt.Sprint("stranger ", i)))
			if want := i == 4; (got == errcode.Overloaded) != want {
				t.Errorf("stranger %d: got %q, want the fifth alone busy: one runs, three wait", i, got)
			}
		}
		a.arrive(t.Context(), "known", true)
		if err := a.refusal("known"); err != nil {
			t.Errorf("strangers filled the queue of known browsers: %v", err)
		}
		a.leave("stranger 0")
		a.want("stranger 0", "known")
		for range 4 { // the known browser and the three who waited
			a.leave(a.last())
		}
		a.arrive(t.Context(), "late", false)
		if got := a.last(); got != "late" {
			t.Errorf("got %s served last: the queue did not open again", got)
		}
	})
}

func TestWhoGoesAwayLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArrivals(t, 1, 100)
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("the browser went away")
		a.arrive(t.Context(), "first", false)
		a.arrive(ctx, "gone", false)
		a.arrive(t.Context(), "second", false)
		cancel(gone)
		synctest.Wait()
		if err := a.refusal("gone"); !errors.Is(err, gone) {
			t.Errorf("got %v, want the cause", err)
		}
		a.leave("first")
		a.want("first", "second")
		a.leave("second")
		if a.pool.running != 0 || a.pool.lowRunning != 0 {
			t.Errorf("got %d running, %d strangers, want none", a.pool.running, a.pool.lowRunning)
		}
	})
}

func TestTheQueueHoldsWhatTwoSecondsFinish(t *testing.T) {
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

// FuzzPasswordRecord: a record that is taken has one spelling and a cost that Argon2 takes without panic.
func FuzzPasswordRecord(f *testing.F) {
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
				t.Errorf("got a record along with %v", err)
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
