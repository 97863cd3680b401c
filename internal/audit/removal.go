package audit

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"barillet/store"
)

// ErrPending is the error of DropBody for an event whose leaf has no number yet. It can be removed later.
var ErrPending = errors.New("event has no number in the log yet")

// DropBody deletes an event and its salt, and keeps its leaf with the digest of its body. A missing event is no error. DropBody
// uses two keys of the Update and those of its entries in the index, at most 20. The log must have an event of Removal that covers the
// time and the lane of the removed one: without it, verification reports the removed event as missing.
func (l Log) DropBody(tx store.Tx, id string) error {
	r, err := l.table.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		if _, err := l.pending.Get(tx, id); err == nil {
			return fmt.Errorf("removing event %q: %w", id, ErrPending)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing event %q: %w", id, err)
	}
	e, err := r.Event(id)
	if err != nil {
		return err
	}
	body, err := e.bodyDigest()
	if err != nil {
		return fmt.Errorf("removing event %q: %w", id, err)
	}
	leaf := r.Leaf()
	leaf.Body = &body
	err = errors.Join(l.leaves.Put(tx, id, leaf), l.table.Delete(tx, id))
	for _, entry := range r.entries(id) {
		err = errors.Join(err, l.entities.Delete(tx, entry))
	}
	if err != nil {
		return fmt.Errorf("removing event %q: %w", id, err)
	}
	return nil
}

// Erase removes every value that can identify a user from an event, and its salt: all names, the address, the User-Agent and the
// details. Their commitments stay, so the leaf can be verified. Ids, action, outcome and reason stay too. A missing or erased event
// is no error. Erase uses two keys of the Update. The log must have an event of Erasure about the subject, the actor or a target of
// the event: without it, verification reports the event as edited.
func (l Log) Erase(tx store.Tx, id string) error {
	e, waits, err := l.find(tx, id)
	if exists, err := store.Found(err); !exists || err != nil || e.Erased != nil {
		return err
	}
	if _, err := e.bodyDigest(); err != nil {
		return fmt.Errorf("erasing event %q: %w", id, err)
	}
	if e.erase(); waits != nil {
		waits.Record = NewRecord(e, waits.Record.Leaf())
		err = l.pending.Put(tx, id, *waits)
	} else {
		var old Record
		if old, err = l.table.Get(tx, id); err == nil {
			err = l.table.Put(tx, id, NewRecord(e, old.Leaf()))
		}
	}
	if err != nil {
		return fmt.Errorf("erasing event %q: %w", id, err)
	}
	return nil
}

// Removal returns the event that states which events DropBody may have removed: those of the lane before a time. Append it in the
// first Update that removes one of them, or earlier.
func Removal(lane Lane, before time.Time, count int) Event {
	return Event{Actor: System, Action: EventsRemoved, Outcome: Success, Detail: map[string]string{
		"lane": lane.String(), "before": before.UTC().Format(time.RFC3339Nano), "events": strconv.Itoa(count)}}
}

// Removed returns the lane and the time of an event of Removal. ok is false for other events.
func (e *Event) Removed() (lane Lane, before time.Time, ok bool) {
	if e.Action != EventsRemoved || e.Outcome != Success {
		return 0, time.Time{}, false
	}
	before, err := time.Parse(time.RFC3339Nano, e.Detail["before"])
	for _, lane := range Lanes() {
		if lane.String() == e.Detail["lane"] {
			return lane, before, err == nil
		}
	}
	return 0, time.Time{}, false
}

// Erasure returns the event that states that the events about a user were erased. It has the id of the user, and no name.
func Erasure(subject string, count int) Event {
	return Event{Actor: System, Subject: subject, Action: EventsErased, Outcome: Success, Detail: map[string]string{"events": strconv.Itoa(count)}}
}
