package session_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/store/storetest"
)

func TestAuthenticate_IgnoresClockThatIsSetBack(t *testing.T) {
	for _, c := range []struct {
		name     string
		step     time.Duration // between two uses
		uses     int
		back     time.Duration // by which the clock is set back after each step
		accepted int           // number of accepted uses
	}{
		{"in use, the clock correct", 50 * time.Minute, 30, 0, 28},                 // 24 hours
		{"in use, the clock set back", 50 * time.Minute, 30, 49 * time.Minute, 28}, // the same
		{"idle for more than an hour, the clock correct", 61 * time.Minute, 1, 0, 0},
		{"idle for more than an hour, the clock set back", 61 * time.Minute, 1, 50 * time.Minute, 0},
		{"idle for ten minutes, the clock set forward", 10 * time.Minute, 1, -time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := authntest.New(t)
			var uptime time.Duration
			h.Sessions.Uptime = func() time.Duration { return uptime }
			_, _, session := h.Member("zoe@garage.example", nil)
			if _, err := h.Sessions.Authenticate(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			accepted := 0
			for range c.uses {
				uptime += c.step
				h.Clock.Advance(c.step - c.back)
				if err := errors.Join(h.Sessions.FlushLastSeen(t.Context()), storetest.Sweep(t.Context(), h.Store, h.Sessions.Sweeps()...)); err != nil {
					t.Fatal(err)
				}
				_, err := h.Sessions.Authenticate(t.Context(), session)
				if err != nil && errcode.Of(err) != errcode.NoSession {
					t.Fatal(err)
				}
				if err != nil {
					break
				}
				accepted++
			}
			if accepted != c.accepted {
				t.Errorf("got %d accepted uses, want %d", accepted, c.accepted)
			}
		})
	}
}
