package throttle_test

import (
	"testing"
	"time"

	"barillet/internal/throttle"
	"barillet/store"
)

// wrongClock is a store whose clock a test sets.
type wrongClock struct {
	store.Store
	limiter  throttle.Limiter
	failures throttle.FailureStore
	now      time.Time
}

func openWithClock(t *testing.T, dir string, keys store.RootKeys, now time.Time) *wrongClock {
	t.Helper()
	s, ring := open(t, dir, keys)
	c := &wrongClock{limiter: throttle.NewLimiter(ring, keys.Pepper), failures: throttle.NewFailureStore(ring, keys.Pepper), now: now}
	c.Store = ring.CorrectTimes(s, func() time.Time { return c.now })
	return c
}

func (c *wrongClock) peek(t *testing.T, subject string) (v throttle.Verdict) {
	t.Helper()
	err := c.View(t.Context(), func(s store.Snapshot) (err error) {
		v, err = c.limiter.Peek(s, c.now, throttle.HelpMails, subject)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLimiter_WithAClockThatWasAhead(t *testing.T) {
	for _, ahead := range []time.Duration{time.Minute, time.Hour, 30 * 24 * time.Hour, 2 * 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			dir, keys := t.TempDir(), store.NewRootKeys()
			c := openWithClock(t, dir, keys, start.Add(ahead))
			take(t, c.Store, c.limiter, c.now, "once")
			for range 5 {
				take(t, c.Store, c.limiter, c.now, "often")
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			c = openWithClock(t, dir, keys, start) // a restart with a right clock
			if v := c.peek(t, "once"); !v.OK || v.Remaining != 3 {
				t.Errorf("after one operation: got %+v, want three more after this one", v)
			}
			// The limit that was used up stays so, and its wait ends.
			for _, step := range []struct {
				wait time.Duration
				want throttle.Verdict
			}{
				{0, throttle.Verdict{Retry: 12 * time.Minute}},
				{10 * time.Minute, throttle.Verdict{Retry: 2 * time.Minute}},
				{2 * time.Minute, throttle.Verdict{OK: true}},
			} {
				c.now = c.now.Add(step.wait)
				if v := c.peek(t, "often"); v != step.want {
					t.Errorf("%v after the clock is right: got %+v, want %+v", c.now.Sub(start), v, step.want)
				}
			}
			c.now = start.Add(ahead - time.Second)
			if v := c.peek(t, "once"); ahead > time.Hour && v.Remaining != 4 {
				t.Errorf("at the time of the operation: got %+v, want an unused limit", v)
			}
		})
	}
}

func TestFailures_WithAClockThatWasAhead(t *testing.T) {
	dir, keys := t.TempDir(), store.NewRootKeys()
	c := openWithClock(t, dir, keys, start.AddDate(1, 0, 0))
	err := c.Update(t.Context(), func(tx store.Tx) error {
		var f throttle.Failures
		for range 5 {
			for class := throttle.Code; class <= throttle.Password; class++ {
				f = f.WithFailure(c.now, class, false)
			}
		}
		return c.failures.Put(tx, c.now, c.failures.UserID("u"), f)
	})
	if err != nil {
		t.Fatal(err)
	}
	allowed := func(class throttle.Class) (ok bool) {
		t.Helper()
		err := c.View(t.Context(), func(s store.Snapshot) error {
			f, err := c.failures.Get(s, c.failures.UserID("u"))
			ok, _ = f.Allowed(c.now, class, false)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	c.now = start
	if allowed(throttle.Code) || allowed(throttle.Password) {
		t.Error("five failures in a row cause no wait any more")
	}
	c.now = start.Add(30 * time.Second)
	if !allowed(throttle.Code) || !allowed(throttle.Password) || !allowed(throttle.Recovery) || !allowed(throttle.Ticket) {
		t.Error("a wait goes on after 30 seconds of the right clock")
	}
}
