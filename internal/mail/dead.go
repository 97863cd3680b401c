package mail

import (
	"fmt"
	"time"

	"barillet/store"
)

// DeadLetter returns a dead letter. The error wraps store.ErrNotFound, also for a message that waits.
func (o *Outbox) DeadLetter(r store.Reader, id string) (MessageInfo, error) {
	m, err := o.dead(r, id)
	return m.item(id), err
}

func (o *Outbox) dead(r store.Reader, id string) (Message, error) {
	m, err := o.table.Get(r, id)
	if err == nil && !m.Dead {
		err = store.ErrNotFound
	}
	if err != nil {
		return Message{}, fmt.Errorf("loading dead letter %q: %w", id, err)
	}
	return m, nil
}

// CanRetry reports whether a dead letter can be sent again: it has its data and has not expired (protocol rule 10).
func (m MessageInfo) CanRetry(now time.Time) bool {
	return m.Dead && !m.Emptied && (m.ExpiresAt.IsZero() || m.ExpiresAt.After(now))
}

// Retry queues a dead letter again, under its Message-ID. The next attempt is at once, and the last one if the message is older
// than the schedule of attempts. The caller has checked CanRetry.
func (o *Outbox) Retry(tx store.Tx, id string) error {
	m, err := o.dead(tx, id)
	if err != nil {
		return err
	}
	m.Dead, m.Died, m.NotBefore, m.Unreachable = false, time.Time{}, time.Time{}, false
	if err := o.table.Put(tx, id, m); err != nil {
		return fmt.Errorf("queuing dead letter %q: %w", id, err)
	}
	return nil
}

// Drop deletes a dead letter. A message that waits is not deleted: a notification would fail to arrive.
func (o *Outbox) Drop(tx store.Tx, id string) error {
	if _, err := o.dead(tx, id); err != nil {
		return err
	}
	if err := o.table.Delete(tx, id); err != nil {
		return fmt.Errorf("deleting dead letter %q: %w", id, err)
	}
	return nil
}

// Count returns how many messages wait and how many are dead letters, among the first limit. more reports whether there are others.
func (o *Outbox) Count(s store.Snapshot, limit int) (waiting, dead int, more bool, err error) {
	err = o.table.Scan(s, "", "", 0, func(_ string, m Message) error {
		switch {
		case waiting+dead == limit:
			more = true
			return store.ErrStop
		case m.Dead:
			dead++
		default:
			waiting++
		}
		return nil
	})
	if err != nil {
		return 0, 0, false, fmt.Errorf("counting the outbox: %w", err)
	}
	return waiting, dead, more, nil
}
