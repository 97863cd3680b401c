package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/store"
)

// Checker compares the indexes of users with the users.
type Checker struct {
	accounts  *account.Service
	addresses store.Table[account.UserID]
	uniques   store.Table[account.UserID]
	summaries store.Table[account.Summary]
}

// NewChecker returns a checker of the users of accounts.
func NewChecker(accounts *account.Service, ring *store.Keyring) *Checker {
	return &Checker{accounts: accounts, addresses: store.NewTable[account.UserID](ring, store.Addresses),
		uniques: store.NewTable[account.UserID](ring, store.Uniques), summaries: store.NewTable[account.Summary](ring, store.Summaries)}
}

// tables lists the tables that are compared.
var tables = []store.TableDef{store.Summaries, store.Addresses, store.Names, store.Members, store.RoleHolders, store.UserStates, store.Uniques}

const (
	usersAtOnce   = 500    // read in one View
	keysAtOnce    = 20_000 // of an index
	repairsAtOnce = 24     // entries of one Update, which reads the user of each
)

// entry is a key of a table that belongs to a user, or should.
type entry struct {
	table store.TableDef
	id    string
	user  account.UserID
	other bool // it exists and leads to another user, or says something else
}

// Check compares each index with a full scan of the users. With repair it writes what is missing and deletes what is wrong, in
// small Updates that judge each entry again. The entries of a user whose record cannot be read stay.
func (c *Checker) Check(ctx context.Context, repair bool) ([]store.IndexReport, error) {
	found := make([]store.IndexReport, len(tables))
	for i, def := range tables {
		found[i] = store.NewIndexReport(def)
	}
	expected, differ := make([]int, len(tables)), map[string]bool{} // entries of users; keys of those that say something else
	for after, end := account.UserID(""), false; !end; {
		var missing []entry
		var counts []int
		err := c.accounts.View(ctx, func(r account.Reader) (err error) {
			missing, counts, after, end, err = c.missingAfter(r, after)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("comparing users with their indexes: %w", err)
		}
		for i := range tables {
			expected[i] += counts[i]
		}
		if err := c.note(ctx, missing, repair, func(i int) { found[i].Missing++ }); err != nil {
			return nil, err
		}
		for _, e := range missing {
			if e.other && !repair {
				differ[e.table.Prefix+e.id] = true
			}
		}
	}
	for i, def := range tables {
		// Each expected entry exists or was counted as missing: only another number of keys means that some are wrong.
		n, wrong, err := c.scan(ctx, def, nil, repair)
		present := expected[i]
		if !repair {
			present -= found[i].Missing
		}
		for key := range differ {
			if strings.HasPrefix(key, def.Prefix) {
				present++
			}
		}
		if err == nil && n != present {
			n, wrong, err = c.scan(ctx, def, differ, repair)
		}
		if err != nil {
			return nil, fmt.Errorf("comparing %s with the users: %w", def.Prefix, err)
		}
		found[i].Entries, found[i].Wrong = n, wrong
	}
	return found, nil
}

// note counts entries, and repairs them.
func (c *Checker) note(ctx context.Context, entries []entry, repair bool, count func(table int)) error {
	for _, e := range entries {
		count(slices.IndexFunc(tables, func(def store.TableDef) bool { return def.Prefix == e.table.Prefix }))
	}
	if !repair {
		return nil
	}
	for part := range slices.Chunk(entries, repairsAtOnce) {
		if err := c.accounts.Store.Update(ctx, func(tx store.Tx) error { return c.repair(tx, part) }); err != nil {
			return fmt.Errorf("repairing index entries: %w", err)
		}
	}
	return nil
}

// repair writes or deletes entries as the records of their users say now.
func (c *Checker) repair(tx store.Tx, entries []entry) error {
	r := c.accounts.Reader(tx)
	for _, e := range entries {
		u, err := r.User(e.user)
		if errors.Is(err, store.ErrUnreadable) {
			continue
		}
		if err != nil && !account.Missing(err) {
			return err
		}
		key := e.table.Prefix + e.id
		switch {
		case err != nil || !slices.Contains(c.ids(e.table, &u), e.id):
			err = tx.Delete(key)
		case e.table.Prefix == store.Summaries.Prefix:
			err = c.summaries.Put(tx, e.id, u.Summarize())
		case e.table.Prefix == store.Addresses.Prefix:
			err = c.addresses.Put(tx, e.id, u.ID)
		case e.table.Prefix == store.Uniques.Prefix:
			err = c.uniques.Put(tx, e.id, u.ID)
		default:
			err = store.NewIndex(e.table).Put(tx, e.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// missingAfter returns the missing entries of the users after an id, how many entries of each table they should have, and the
// last id.
func (c *Checker) missingAfter(r account.Reader, after account.UserID) (missing []entry, counts []int, last account.UserID, end bool, err error) {
	counts, last, end = make([]int, len(tables)), after, true
	snap := r.Raw.(store.Snapshot)
	n := 0
	err = r.ScanUsers(snap, string(after), func(u account.User) error {
		if n++; n > usersAtOnce {
			end = false
			return store.ErrStop
		}
		last = u.ID
		for i, def := range tables {
			for _, id := range c.ids(def, &u) {
				counts[i]++
				ok, err := c.present(snap, def, id, &u)
				if err == nil && ok {
					continue
				}
				other := false
				if err == nil {
					_, err = snap.Get(def.Prefix + id)
					other, err = store.Found(err)
				}
				if err != nil {
					return err
				}
				missing = append(missing, entry{def, id, u.ID, other})
			}
		}
		return nil
	})
	return missing, counts, last, end, err
}

// ids returns the ids that a table must have of a user.
func (c *Checker) ids(def store.TableDef, u *account.User) (ids []string) {
	switch def.Prefix {
	case store.Summaries.Prefix:
		return []string{string(u.ID)}
	case store.Addresses.Prefix:
		if !u.Placeholder {
			for _, a := range u.AllLogins() {
				ids = append(ids, store.Escape(a))
			}
		}
		return ids
	case store.Uniques.Prefix:
		for _, d := range u.Devices {
			if d.Unique != "" {
				ids = append(ids, secret.From(d.Unique).Hash())
			}
		}
		return ids
	}
	return c.accounts.IndexKeys(def, u)
}

// present reports whether an entry of a user exists and says what it must.
func (c *Checker) present(r store.Reader, def store.TableDef, id string, u *account.User) (ok bool, err error) {
	var owner account.UserID
	switch def.Prefix {
	case store.Summaries.Prefix:
		var sum account.Summary
		if sum, err = c.summaries.Get(r, id); err == nil {
			got, _ := json.Marshal(sum)
			want, _ := json.Marshal(u.Summarize())
			return string(got) == string(want), nil
		}
	case store.Addresses.Prefix:
		owner, err = c.addresses.Get(r, id)
		ok = owner == u.ID
	case store.Uniques.Prefix:
		owner, err = c.uniques.Get(r, id)
		ok = owner == u.ID
	default:
		_, err = r.Get(def.Prefix + id)
		ok = true
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnreadable) {
		return false, nil
	}
	return ok, err
}

// scan counts the keys of a table. If counted is not nil, scan also counts those that no user should have, except those in counted,
// which takes much longer.
func (c *Checker) scan(ctx context.Context, def store.TableDef, counted map[string]bool, repair bool) (n, wrong int, err error) {
	for after, end := "", false; !end; {
		var bad []entry
		seen := 0
		err := c.accounts.View(ctx, func(r account.Reader) error {
			bad, seen, end = nil, 0, true
			snap, from := r.Raw.(store.Snapshot), ""
			if after != "" {
				from = def.Prefix + after
			}
			return snap.Scan(def.Prefix, from, 0, func(key string, _ []byte) error {
				if seen == keysAtOnce {
					end = false
					return store.ErrStop
				}
				seen, after = seen+1, key[len(def.Prefix):]
				if counted == nil || counted[key] {
					return nil
				}
				e := entry{table: def, id: after, user: c.owner(snap, def, after)}
				u, err := r.User(e.user)
				switch {
				case err == nil && slices.Contains(c.ids(def, &u), e.id), errors.Is(err, store.ErrUnreadable):
					return nil
				case err != nil && !account.Missing(err):
					return err
				}
				bad = append(bad, e)
				return nil
			})
		})
		if err == nil {
			err = c.note(ctx, bad, repair, func(int) { wrong++ })
		}
		if n += seen; err != nil {
			return 0, 0, err
		}
	}
	return n, wrong, nil
}

// owner returns the user of an entry; "" if it has none that can be read.
func (c *Checker) owner(r store.Reader, def store.TableDef, id string) account.UserID {
	switch def.Prefix {
	case store.Addresses.Prefix:
		owner, _ := c.addresses.Get(r, id)
		return owner
	case store.Uniques.Prefix:
		owner, _ := c.uniques.Get(r, id)
		return owner
	}
	return account.UserID(id[strings.LastIndexByte(id, '/')+1:])
}
