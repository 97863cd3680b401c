package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// storeKey is a row of keys status --json.
type storeKey struct {
	Kind, ID, State string
	Users           *int
}

func (h *Env) storeKeys(t *testing.T) (out []storeKey) {
	t.Helper()
	text := h.Run("keys", "status", "--json").OK(t)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// TestKill_WhileKeysRotate kills the program at random moments while each key of the store is rotated again and again under a load of
// real sign-ins, resets and enrolments. Everything stays readable, and in the end everything is protected by the newest keys.
func TestKill_WhileKeysRotate(t *testing.T) {
	h := Open(t, EnvOptions{})
	secrets := h.API(h.Secret("second token", h.Run("token", "create", "--name", "load", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	var souls []*soul
	for n := range 4 {
		souls = append(souls, &soul{Member: h.Member(t, person(n)), env: h, desk: secrets, named: "Téléphone"})
	}
	first := map[string]string{}
	for _, k := range h.storeKeys(t) {
		first[k.Kind] = k.ID
	}
	var rotated atomic.Int64
	var last atomic.Pointer[string]
	rounds := max(kills(t)/4, 3)
	for round := range rounds {
		h.Clock.NextStep()
		var all sync.WaitGroup
		for n, s := range souls {
			s.begin(round)
			all.Go(func() { s.live((round + n) % 3) })
		}
		over := make(chan struct{})
		all.Go(func() {
			for n := round; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				done := h.Run("keys", "rotate", []string{"data", "master", "password-pepper"}[n%3])
				if done.Code == 0 {
					rotated.Add(1)
				} else if done.Code != 1 {
					t.Errorf("rotating: exit code %d, %s", done.Code, done.Stderr)
				}
				last.Store(&done.Stderr)
			}
		})
		<-time.After(time.Duration(rand.IntN(2000)) * time.Millisecond)
		h.Kill()
		close(over)
		all.Wait()
		h.Restart()
		for _, s := range souls {
			s.judge(t)
		}
		h.Run("audit", "verify").OK(t)
		h.Clock.NextStep()
		for _, s := range souls {
			s.comeBack(t)
		}
		for _, k := range h.storeKeys(t) {
			if k.State == "older" && (k.Users == nil || *k.Users == 0) {
				h.Run("keys", "forget", k.ID).OK(t)
			}
		}
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	for _, kind := range []string{"data", "master", "password-pepper"} {
		h.Run("keys", "rotate", kind).OK(t)
	}
	h.endReplacedKeys(t)
	for _, k := range h.storeKeys(t) {
		if k.Kind != "index" && k.ID == first[k.Kind] && k.State == "active" || k.State == "retiring" {
			t.Errorf("%s key %s is %s after %d rotations", k.Kind, k.ID, k.State, rotated.Load())
		}
	}
	for _, s := range souls {
		h.Clock.NextStep()
		s.comeBack(t)
	}
	h.Run("audit", "verify").OK(t)
	t.Logf("%d kills, %d rotations", rounds, rotated.Load())
	if rotated.Load() == 0 {
		t.Errorf("no key was rotated: %s", *last.Load())
	}
	h.Stop()
	checkStore(t, filepath.Join(h.Data, "barillet.db"))
	h.noKeyOutside(t)
	h.Restart()
}

// endReplacedKeys moves the clock until the replaced data keys are removed.
func (h *Env) endReplacedKeys(t *testing.T) {
	t.Helper()
	for began := time.Now(); ; {
		left := 0
		for _, k := range h.storeKeys(t) {
			if k.State == "retiring" {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("%d data keys are not removed", left)
		}
		h.Clock.Advance(3 * time.Minute)
		time.Sleep(200 * time.Millisecond)
	}
}

// noKeyOutside checks that no key of the key file is in the store or in the log.
func (h *Env) noKeyOutside(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.Data, "barillet.key"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(h.Data, "barillet.db"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || len(words[2]) != 44 {
			continue
		}
		found++
		if strings.Contains(string(file), words[2]) || strings.Contains(h.Log(), words[2]) {
			t.Errorf("the %s key is in the store or the log", words[0])
		}
	}
	if found < 4 {
		t.Errorf("got %d keys in the file, want more after rotations", found)
	}
}
