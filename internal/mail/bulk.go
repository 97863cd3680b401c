package mail

import (
	"sync"
	"time"
)

// Bulk emails are sent in groups, 60 a minute: many at once make a mail server treat the sender as a source of spam. A
// group is due at one time, because each pass of the sender reads the whole outbox.
const (
	bulkSize     = 10
	bulkInterval = 10 * time.Second
)

// bulk is the group that is being filled.
type bulk struct {
	mu   sync.Mutex
	last time.Time // of the last call
	due  time.Time
	size int
}

// NextBulk returns the earliest time at which the next bulk email may be sent: the NotBefore of its row. A process that
// starts again begins with a new group. Other emails do not wait for bulk emails.
func (o *Outbox) NextBulk(now time.Time) time.Time {
	b := &o.bulk
	b.mu.Lock()
	defer b.mu.Unlock()
	now = now.Round(0) // the stored time is that of the clock
	if back := b.last.Sub(now); back > 0 {
		b.due = b.due.Add(-back) // the clock was set back (protocol rule 34)
	}
	b.last = now
	switch {
	case !now.Before(b.due.Add(bulkInterval)):
		b.due, b.size = now, 0
	case b.size == bulkSize:
		b.due, b.size = b.due.Add(bulkInterval), 0
	}
	b.size++
	return b.due
}
