package mail

import (
	"context"
	"slices"
	"sync"
)

// boxSize is how many messages a Box keeps.
const boxSize = 200

// MemoryTransport is a Transport that keeps the last 200 messages in memory: the mailbox of the demonstration, in which
// visitors read what would have been sent. The zero value is ready, and it may be used by many at once.
type MemoryTransport struct {
	mu   sync.Mutex
	kept []Envelope
}

var _ Transport = (*MemoryTransport)(nil)

// Send keeps the message. A repeat of one that is kept replaces it.
func (b *MemoryTransport) Send(_ context.Context, e Envelope) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = slices.DeleteFunc(b.kept, func(old Envelope) bool { return old.MessageID == e.MessageID })
	b.kept = append(b.kept, e)
	b.kept = slices.Delete(b.kept, 0, max(0, len(b.kept)-boxSize))
	return nil
}

// List returns the messages, newest first.
func (b *MemoryTransport) List() []Envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.kept)
	slices.Reverse(list)
	return list
}

// Get returns the message with this Message-ID, if it is still kept.
func (b *MemoryTransport) Get(messageID string) (Envelope, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.kept, func(e Envelope) bool { return e.MessageID == messageID })
	if i < 0 {
		return Envelope{}, false
	}
	return b.kept[i], true
}
