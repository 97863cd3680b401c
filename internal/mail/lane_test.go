package mail_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"barillet/internal/audit"
	"barillet/internal/mail"
)

// TestAttack_EmailsOfAnUnauthenticatedClientDelayATicket queues a ticket behind 600 emails to support, 600 delayed notifications
// of another user and 600 invitations of an import. The ticket is among the first emails of the next pass.
func TestAttack_EmailsOfAnUnauthenticatedClientDelayATicket(t *testing.T) {
	var box mail.MemoryTransport
	h := newEnv(t, &box)
	for i := range 600 {
		h.queue(mail.Message{Template: "help_for_support", Rank: audit.LaneNoise, To: []string{fmt.Sprintf("u%d@garage.test", i)}})
		h.queue(mail.Message{Template: "device_added", Rank: audit.LaneRoutine, Notice: true, Recipient: "paul", To: []string{"paul@garage.test"}, NotBefore: h.clock().Add(mail.DigestDelay)})
		h.queue(mail.Message{Template: "invitation", Rank: audit.LaneRoutine, To: []string{fmt.Sprintf("v%d@garage.test", i)}})
	}
	h.wait(mail.DigestDelay)
	h.queue(mail.Message{Template: "devices_reset", To: []string{"ines@garage.test"}})
	tried := &order{}
	h.start(tried)
	h.pass()
	i := slices.Index(tried.subjects, "devices_reset fr")
	if i < 0 || i > 4 { // four are sent at the same time
		t.Errorf("the ticket is number %d of %d, want among the first", i, len(tried.subjects))
	}
}

// order is a Transport that keeps the subjects in the order of the attempts.
type order struct {
	mu       sync.Mutex
	subjects []string
}

func (o *order) Send(_ context.Context, e mail.Envelope) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.subjects = append(o.subjects, e.Subject)
	return nil
}
