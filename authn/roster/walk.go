package roster

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/internal/throttle"
	"barillet/store"
)

// source is what Users reads to find users.
type source int

const (
	byID source = iota
	byState
	byFailure
	byRole
	byName
	byGroup
	byScope
	byRecord // of every user
)

func (q *UserQuery) source() source {
	short := utf8.RuneCountInString(q.Prefix) < 3
	switch {
	case q.IDs != nil:
		return byID
	case q.Role != "":
		return byRole
	case q.Group != "":
		return byGroup
	case q.AtRisk && (short || q.Scope != nil):
		return byState
	case q.Statuses != nil && q.Devices == nil && short && q.Scope == nil && slices.Equal(q.Statuses, []account.Status{account.StatusLocked}):
		return byFailure
	case (q.Statuses != nil || q.Devices != nil) && (short || q.Scope != nil):
		return byState
	case q.Scope != nil:
		return byScope
	case q.Prefix != "":
		return byName
	}
	return byRecord
}

// walk visits users, in the order of the source of a query.
type walk struct {
	s     *account.Service
	r     account.Reader
	snap  store.Snapshot
	q     UserQuery
	now   time.Time
	visit func(cursor string, u account.User) error

	read    int    // records
	last    string // the cursor of the last one
	stopped string // the cursor after which the walk stopped, because it read store.PageReads records
}

// count counts a record. It returns store.ErrStop if there are too many.
func (w *walk) count(cursor string) error {
	if w.read++; w.read > store.PageReads {
		w.stopped = w.last
		return store.ErrStop
	}
	w.last = cursor
	return nil
}

// run calls visit for each user. If it stops by itself, it returns a cursor.
func (w *walk) run() (next string, err error) {
	err = w.walk()
	return w.stopped, err
}

func (w *walk) walk() error {
	q := &w.q
	switch q.source() {
	case byID:
		return w.ids(w.byKey(func(string, *account.User) bool { return true }))
	case byFailure:
		return w.locked()
	case byState:
		return index.Scan(store.UserStates, w.snap, q.states(), q.After, w.byKey(w.has(store.UserStates)))
	case byRole:
		return index.Scan(store.RoleHolders, w.snap, []string{""}, q.After, w.holders())
	case byName:
		prefix := index.SearchPrefix(q.Prefix)
		if prefix == "" {
			return nil
		}
		once := func(key string, u *account.User) bool { return u.FirstSearchKey(prefix) == key }
		return index.Scan(store.Names, w.snap, []string{prefix}, q.After, w.byKey(once))
	case byGroup:
		return index.Scan(store.Members, w.snap, []string{string(q.Group) + "/"}, q.After, w.byKey(w.has(store.Members)))
	case byScope:
		var prefixes []string
		for _, g := range q.Scope {
			prefixes = append(prefixes, string(g)+"/")
		}
		once := func(key string, u *account.User) bool {
			return len(u.Groups) > 0 && key == string(slices.Min(u.Groups))+"/"+string(u.ID)
		}
		return index.Scan(store.Members, w.snap, prefixes, q.After, w.byKey(once))
	}
	return w.r.ScanUsers(w.snap, q.After, func(u account.User) error {
		if err := w.count(string(u.ID)); err != nil {
			return err
		}
		return w.visit(string(u.ID), u)
	})
}

// has returns a function that reports whether the record of a user has an entry of an index. The index is not sealed.
func (w *walk) has(def store.TableDef) func(key string, u *account.User) bool {
	return func(key string, u *account.User) bool { return slices.Contains(w.s.IndexKeys(def, u), key) }
}

// byKey returns a function that visits the user at the end of a key, if show returns true for them.
func (w *walk) byKey(show func(key string, u *account.User) bool) func(key string) error {
	return func(key string) error {
		if err := w.count(key); err != nil {
			return err
		}
		u, err := w.r.User(account.UserID(key[strings.LastIndexByte(key, '/')+1:]))
		if account.Missing(err) || err == nil && !show(key, &u) {
			return nil
		}
		if err != nil {
			return err
		}
		return w.visit(key, u)
	}
}

// holders returns a function that visits the holders of the role, each at the first entry that can be about it. An entry about lower
// roles is not counted: it leads to no record, and there are as many as administrators.
func (w *walk) holders() func(key string) error {
	can := func(key string) bool {
		rank, _ := index.Holder(key)
		return rank >= w.q.Role.Rank()
	}
	visit := w.byKey(func(key string, u *account.User) bool {
		keys := w.s.IndexKeys(store.RoleHolders, u)
		at := slices.IndexFunc(keys, can)
		return at >= 0 && keys[at] == key
	})
	return func(key string) error {
		if !can(key) {
			return nil
		}
		return visit(key)
	}
}

// ids visits the users whom the query names.
func (w *walk) ids(visit func(key string) error) error {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(w.q.IDs))) {
		if string(id) <= w.q.After || !account.IsUserID(string(id)) {
			continue
		}
		if err := visit(string(id)); errors.Is(err, store.ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// locked visits the users who are locked out. It reads the failure counters, which are few.
func (w *walk) locked() error {
	return w.s.Failures.ScanUsers(w.snap, w.q.After, func(key, user string, f throttle.Failures) error {
		if err := w.count(key); err != nil || !f.Blocked(w.now) {
			return err
		}
		u, err := w.r.User(account.UserID(user))
		if account.Missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return w.visit(key, u)
	})
}

// active are the statuses that the index of states has of an active user.
var active = []account.Status{account.StatusActive, account.StatusRecovery, account.StatusExpired}

// indexed are the statuses that the index of states has.
var indexed = append([]account.Status{account.StatusStaged, account.StatusProvisioned, account.StatusSuspended, account.StatusDeactivated}, active...)

// states returns the starts of the entries of the index of states that the query needs. The index knows the first group of a user
// only, which is in the scope.
func (q *UserQuery) states() (prefixes []string) {
	var statuses []account.Status
	asked := q.Statuses
	if asked == nil {
		asked = indexed
	}
	for _, status := range asked {
		switch status {
		case account.StatusLocked:
			statuses = append(statuses, active...)
		case account.StatusActive, account.StatusExpired: // or RECOVERY, whose link has expired
			statuses = append(statuses, status, account.StatusRecovery)
		default:
			statuses = append(statuses, status)
		}
	}
	devices := q.Devices
	switch {
	case q.AtRisk:
		statuses, devices = active, []int{0, 1}
	case devices == nil:
		devices = []int{0, 1, index.MaxDevices}
	}
	for _, status := range statuses {
		for _, n := range devices {
			prefix := index.StatePrefix(string(status), n)
			if q.Scope == nil {
				prefixes = append(prefixes, prefix)
			}
			for _, home := range q.Scope {
				prefixes = append(prefixes, prefix+string(home)+"/")
			}
		}
	}
	return prefixes
}
