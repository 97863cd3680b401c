package e2e_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Clock moves the time that a program sees. The browser and the tools keep
// the machine's time: give them Clock.Now.
type Clock struct {
	tb     testing.TB
	file   string
	mu     sync.Mutex
	offset time.Duration
}

func newClock(tb testing.TB) *Clock {
	tb.Helper()
	c := &Clock{tb: tb, file: filepath.Join(tb.TempDir(), "clock")}
	c.Advance(0)
	return c
}

// Now is what the program takes the time to be.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Advance moves the clock; the program sees it at its next look. The file is
// replaced in one step: a program never reads half an offset.
func (c *Clock) Advance(by time.Duration) {
	c.tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += by
	fresh := c.file + ".new"
	if err := os.WriteFile(fresh, []byte(c.offset.String()), 0o600); err != nil {
		c.tb.Fatalf("writing the offset of the clock: %v", err)
	}
	if err := os.Rename(fresh, c.file); err != nil {
		c.tb.Fatalf("setting the offset of the clock: %v", err)
	}
}

// NextStep moves the clock to one second into the next 30-second step of a
// TOTP code (RFC 6238 section 4.1), so that a code not used before exists and
// stays good for the calls that follow.
func (c *Clock) NextStep() {
	c.tb.Helper()
	now := c.Now()
	c.Advance(now.Truncate(30 * time.Second).Add(31 * time.Second).Sub(now))
}
