package e2e_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// kills is how often the program is killed: 20 times, or what BARILLET_KILLS says.
func kills(t *testing.T) int {
	t.Helper()
	said := os.Getenv("BARILLET_KILLS")
	if said == "" {
		return 20
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 1 {
		t.Fatalf("BARILLET_KILLS is %q, want a number from 1", said)
	}
	return n
}

// TestKill_KeepsConfirmedPageChanges kills the program under a load of real sign-ins, resets and enrolments,
// at random moments. Confirmed changes remain, no one-time credential works twice, and no audit event is lost between its
// Update and its number.
func TestKill_KeepsConfirmedPageChanges(t *testing.T) {
	h := Open(t, EnvOptions{})
	told, cut := h.loseNothing(t, kills(t), h.Kill, func() {})
	if told == 0 || cut == 0 {
		t.Errorf("got %d acts told and %d cut off: nothing is proven", told, cut)
	}
}

// loseNothing stops the program under a load of real sign-ins, resets and enrolments so many times, at random moments. mend runs
// before each start. It returns how many operations were answered and interrupted.
func (h *Env) loseNothing(t *testing.T, rounds int, stop, mend func()) (told, cut int) {
	t.Helper()
	secrets := h.API(h.Secret("second token", h.Run("token", "create", "--name", "load", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	var souls []*soul
	for n := range 6 {
		souls = append(souls, &soul{Member: h.Member(t, person(n)), env: h, desk: secrets, named: "Téléphone"})
	}
	for round := range rounds {
		h.Clock.NextStep()
		var all sync.WaitGroup
		for n, s := range souls {
			s.begin(round)
			all.Go(func() { s.live((round + n) % 3) })
		}
		// The moment lies anywhere in the time that such a round takes, and sometimes after it.
		<-time.After(time.Duration(rand.IntN(400)) * time.Millisecond)
		stop()
		all.Wait()
		mend()
		h.Restart()
		for _, s := range souls {
			told, cut = told+s.told, cut+s.cut
			s.judge(t)
		}
		h.Run("audit", "verify").OK(t)
		h.Clock.NextStep()
		for _, s := range souls {
			s.comeBack(t)
		}
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	t.Logf("%d kills: %d acts told before them, %d cut off", rounds, told, cut)
	h.Stop()
	checkStore(t, filepath.Join(h.Data, "barillet.db"))
	h.Restart()
	return told, cut
}

// checkStore reads every page of a closed store.
func checkStore(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: patience})
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	defer db.Close()
	if err := db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("the store is damaged: %v", err)
		}
		return nil
	}); err != nil {
		t.Errorf("checking the store: %v", err)
	}
}
