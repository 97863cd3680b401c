package throttle_test

import (
	"maps"
	"testing"

	"barillet/internal/throttle"
	"barillet/store"
)

func TestRefusals_CountByTheNameOfTheLimit(t *testing.T) {
	keys := store.NewRootKeys()
	s, ring := open(t, t.TempDir(), keys)
	var refusals throttle.Refusals
	l, m := throttle.NewLimiter(ring, keys.Pepper), throttle.Memory{Refusals: &refusals}
	l.Refusals = &refusals
	for range 3 * quota.Total {
		m.Charge(chargeT, quota, anyNetwork(1))
	}
	if got := refusals.Counts(); got[quota.Name]+got[quota.Name+"-share"] == 0 {
		t.Fatalf("after a flood: got %v", got)
	}
	before := refusals.Counts()
	for range 2 * throttle.Assertions.Count {
		m.Take(chargeT, throttle.Assertions, "client")
	}
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		for range 3 { // a check alone is no refusal
			if _, err := l.Peek(snap, chargeT, throttle.HelpMails, "ines@garage.test"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := refusals.Counts()
	maps.DeleteFunc(got, func(name string, n uint64) bool { return before[name] == n })
	if want := map[string]uint64{"assertions": uint64(throttle.Assertions.Count)}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range throttle.HelpMails.Count + 1 {
		take(t, s, l, chargeT, "ines@garage.test")
	}
	if got := refusals.Counts()["help-mails"]; got == 0 {
		t.Error("a stored limit: got no refusal")
	}
}

func TestRefusals_OfALimiterWithoutThemAreNotCounted(t *testing.T) {
	var m throttle.Memory
	for range quota.Total {
		m.Charge(chargeT, quota, anyNetwork(1)) // does not panic
	}
}
