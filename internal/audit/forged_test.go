package audit_test

import (
	"slices"
	"testing"

	"barillet/internal/audit"
	"barillet/store"
)

// TestAttack_ForgedIndexEntryShowsAnEventOfAnotherUser: an entry of the index is found, and the event decides.
func TestAttack_ForgedIndexEntryShowsAnEventOfAnotherUser(t *testing.T) {
	s, log := open(t)
	about := audit.NewID(start)
	add(t, s, log, []string{about}, event("u1"))
	number(t, s, log, []string{about})
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for _, entry := range []string{"u2/s", "u2/o"} {
			if err := tx.Put(store.AuditEntities.Prefix+entry+about, []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []audit.Query{{Subjects: []string{"u2"}}, {Entities: []string{"u2"}}} {
		if got := all(t, s, log, q); len(got) != 0 {
			t.Errorf("%+v: got %v by a forged entry", q, got)
		}
	}
	if got := all(t, s, log, audit.Query{Subjects: []string{"u1"}}); !slices.Equal(got, []string{about}) {
		t.Errorf("got %v, want the event of its own user", got)
	}
}

// A caller who may see some users sees no event about no user: it may name any of the others.
func TestScan_ShowsNoEventAboutNoUserToALimitedCaller(t *testing.T) {
	s, log := open(t)
	ids := []string{audit.NewID(start), audit.NewID(start.Add(1e9))}
	add(t, s, log, ids, event("u1"), event(""))
	number(t, s, log, ids)
	q := audit.Query{Visible: func(string) (bool, error) { return true, nil }}
	if got := all(t, s, log, q); !slices.Equal(got, ids[:1]) {
		t.Errorf("got %v, want the event about a user only", got)
	}
}

// A removed event leaves its leaf, and no key that names a user.
func TestDropBody_LeavesNoEntryInTheIndex(t *testing.T) {
	s, log := open(t)
	id := audit.NewID(start)
	e := event("u1")
	e.Actor, e.Targets = audit.Actor{Type: audit.TypeToken, ID: "token:1"}, []audit.Actor{{Type: audit.TypeDevice, ID: "d1"}}
	add(t, s, log, []string{id}, e)
	number(t, s, log, []string{id})
	for _, want := range []int{3, 0} {
		r, err := log.CheckIndex(t.Context(), s, false)
		if err != nil || r.Entries != want || r.Wrong != 0 || r.Missing != 0 {
			t.Errorf("got %+v, %v, want %d good entries", r, err, want)
		}
		if err := s.Update(t.Context(), func(tx store.Tx) error { return log.DropBody(tx, id) }); err != nil {
			t.Fatal(err)
		}
	}
}
