package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

// flaps is the number of emails, and of restarts while they are sent.
func flaps() (emails, restarts int) {
	if torture() {
		return 1000, 20
	}
	return 40, 5
}

// TestFault_FlappingMailServerLosesNoEmail sends emails while the mail server refuses, hangs and disconnects, and while the program is
// stopped and killed. Each arrives; what arrives twice has the same Message-ID (promise D5).
func TestFault_FlappingMailServerLosesNoEmail(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	emails, restarts := flaps()
	moods := []func(){h.Mail.Drop, func() { h.Mail.Answer(451) }, h.Mail.Stall, h.Mail.Recover}
	n := 0
	for round := range restarts {
		for ; n < emails*(round+1)/restarts; n++ {
			if n%5 == 0 {
				moods[(n/5+round)%len(moods)]()
			}
			h.Admin.Call("POST", "/users?activate=true&sendEmail=true", fmt.Sprintf(`{"profile":{"login":%q,"email":%q}}`, person(n), person(n))).Want(200)
		}
		if round%2 == 0 {
			h.Kill()
		} else {
			h.Stop()
		}
		h.Clock.Advance(5 * time.Minute)
		h.Restart()
	}
	h.Mail.Recover()
	received := func() map[string]map[string]int {
		all := map[string]map[string]int{}
		for _, mail := range h.Mail.All() {
			for _, to := range mail.To {
				if all[to] == nil {
					all[to] = map[string]int{}
				}
				all[to][mail.Header.Get("Message-ID")]++
			}
		}
		return all
	}
	for end := time.Now().Add(patience); len(received()) < emails; <-time.After(time.Second) {
		h.Clock.Advance(2 * time.Minute) // the wait after a failure
		if time.Now().After(end) {
			t.Fatalf("got emails to %d of %d users", len(received()), emails)
		}
	}
	repeats := 0
	for to, ids := range received() {
		if len(ids) != 1 {
			t.Errorf("%s got the Message-IDs %v, want one", to, ids)
		}
		for id, times := range ids {
			repeats += times - 1
			if id == "" {
				t.Errorf("%s got an email without a Message-ID", to)
			}
		}
	}
	t.Logf("%d emails, %d restarts, %d repeats", emails, restarts, repeats)
}
