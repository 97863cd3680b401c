package session_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

func TestAClockThatIsSetBackGivesNoSessionMoreTime(t *testing.T) {
	for _, c := range []struct {
		name string
		step time.Duration // between two uses
		uses int
		back time.Duration // by which the clock is set back at each
		good int           // how many uses come through
	}{
		{"used all the time, the clock right", 50 * time.Minute, 30, 0, 28},                   // 24 hours
		{"used all the time, the clock set back", 50 * time.Minute, 30, 49 * time.Minute, 28}, // the same
		{"idle beyond the hour, the clock right", 61 * time.Minute, 1, 0, 0},
		{"idle beyond the hour, the clock set back", 61 * time.Minute, 1, 50 * time.Minute, 0},
		{"idle within it, the clock set forward", 10 * time.Minute, 1, -time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := authntest.New(t)
			var ran time.Duration
			h.Sessions.Uptime = func() time.Duration { return ran }
			_, _, session := h.Member("zoe@garage.example", nil)
			if _, err := h.Sessions.Authenticate(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			good := 0
			for range c.uses {
				ran += c.step
				h.Clock.Advance(c.step - c.back)
				if err := errors.Join(h.Sessions.FlushLastSeen(t.Context()), h.Sessions.DeleteExpired(t.Context())); err != nil {
					t.Fatal(err)
				}
				_, err := h.Sessions.Authenticate(t.Context(), session)
				if err != nil && errcode.Of(err) != errcode.NoSession {
					t.Fatal(err)
				}
				if err != nil {
					break
				}
				good++
			}
			if good != c.good {
				t.Errorf("got %d good uses, want %d", good, c.good)
			}
		})
	}
}
