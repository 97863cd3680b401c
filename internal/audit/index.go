package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"barillet/internal/input"
	"barillet/store"
)

// The index lists events with a number by what they name: <entity>/<class><event>. An entry exists exactly if the event does, so the
// index can be made anew from the log (CheckIndex).
const (
	classSubject = "s" // the entity is the user whom the event is about
	classOther   = "o" // the entity is the actor or a target, and not that user
	classAction  = "a" // the entity is the action; the actions of routine have no entries
)

// maxEntity is the maximum length of an entity in a key. The digest of a longer one is used.
const maxEntity = 256

// entriesOf returns the beginning of the entries of an entity in one class. Like a filter of the API, it ignores case.
func entriesOf(entity, class string) string {
	key := store.Escape(input.Fold(entity))
	if len(key) > maxEntity {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	return key + "/" + class
}

// entries returns the ids of the entries of an event in the index: at most 19, each once.
func (r *Record) entries(id string) (out []string) {
	add := func(entity packed, class string) {
		if entity == "" {
			return
		}
		if entry := entriesOf(string(entity), class) + id; !slices.Contains(out, entry) {
			out = append(out, entry)
		}
	}
	add(r.Subject, classSubject)
	if r.Actor != nil && r.Actor.ID != r.Subject {
		add(r.Actor.ID, classOther)
	}
	for _, t := range r.Targets {
		if t.ID != r.Subject {
			add(t.ID, classOther)
		}
	}
	if isIndexed(r.Action) {
		add(packed(r.Action), classAction)
	}
	return out
}

// isIndexed reports whether the index lists the events with an action. Those that users cause each day are found in the log itself.
func isIndexed(action string) bool { return !slices.Contains(routine, action) }
