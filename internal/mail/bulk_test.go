package mail_test

import (
	"testing"
	"time"

	"barillet/internal/mail"
)

func TestNextBulk_SpreadsEmailsOverTime(t *testing.T) {
	var o mail.Outbox
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for i := range 65 {
		now := start.Add(time.Duration(i) * 100 * time.Millisecond)
		if got, want := o.NextBulk(now).Sub(start), time.Duration(i/10)*10*time.Second; got != want {
			t.Errorf("email %d: due after %v, want %v", i, got, want)
		}
	}
	if later := start.Add(time.Hour); !o.NextBulk(later).Equal(later) {
		t.Error("an email after a pause does not start a new group")
	}
}
