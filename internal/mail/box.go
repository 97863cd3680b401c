package mail

import (
	"context"
	"slices"
	"sync"
)

// boxSize is the number of messages that a Box keeps.
const boxSize = 200

// MemoryTransport is a Transport that keeps the last 200 messages in memory. The demonstration shows them to visitors instead of
// sending them. The zero value is ready to use. A Box is safe for concurrent use.
type MemoryTransport struct {
	mu   sync.Mutex
	kept []Envelope
}

var _ Transport = (*MemoryTransport)(nil)

// Send keeps a message. It replaces one with the same Message-ID.
func (b *MemoryTransport) Send(_ context.Context, e Envelope) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = slices.DeleteFunc(b.kept, func(old Envelope) bool { return old.MessageID == e.MessageID })
	b.kept = append(b.kept, e)
	b.kept = slices.Delete(b.kept, 0, max(0, len(b.kept)-boxSize))
	return nil
}

// List returns the kept messages, newest first.
func (b *MemoryTransport) List() []Envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.kept)
	slices.Reverse(list)
	return list
}

// Get returns the message with a Message-ID, and reports whether it is kept.
func (b *MemoryTransport) Get(messageID string) (Envelope, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.kept, func(e Envelope) bool { return e.MessageID == messageID })
	if i < 0 {
		return Envelope{}, false
	}
	return b.kept[i], true
}
