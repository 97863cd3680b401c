package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// Create stores a new person with every index of theirs; Taken when an address belongs to somebody. ID,
// Handle, Login and Email are filled in by the caller, the rest is checked here.
func (tx *Tx) Create(u *User) error {
	if err := u.validate(); err != nil {
		return err
	}
	if u.Placeholder {
		if err := tx.listPlaceholder(u); err != nil {
			return err
		}
	}
	u.Created = tx.Op.Now
	if u.StatusAt.IsZero() {
		u.StatusAt = tx.Op.Now
	}
	for _, a := range u.indexedAddresses() {
		key := store.Escape(a)
		_, err := tx.s.addresses.Get(tx.Raw, key)
		switch {
		case err == nil:
			return errcode.New(errcode.Taken)
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an address: %w", err)
		}
		if err := tx.s.addresses.Put(tx.Raw, key, u.ID); err != nil {
			return fmt.Errorf("storing an address: %w", err)
		}
	}
	for _, name := range u.nameKeys() {
		if err := tx.s.names.Put(tx.Raw, name, struct{}{}); err != nil {
			return fmt.Errorf("storing a name: %w", err)
		}
	}
	if len(u.Groups) > maxGroupsAtCreation {
		return errcode.InvalidField("groupIds", "too_many")
	}
	for _, g := range u.Groups {
		switch _, err := tx.Group(g); {
		case errcode.Of(err) == errcode.NotFound:
			return errcode.InvalidField("groupIds", "unknown")
		case err != nil:
			return err
		}
		if err := tx.s.members.Put(tx.Raw, string(g)+"/"+string(u.ID), struct{}{}); err != nil {
			return fmt.Errorf("storing a membership: %w", err)
		}
	}
	return tx.Save(u)
}

// NewUser is a person with fresh ids, staged. The caller fills in the rest and calls Create.
func (tx *Tx) NewUser() User {
	return User{ID: UserID("u" + tx.Op.ID("user")), Handle: tx.Op.draw("handle", 0), Status: StatusStaged}
}

// validate judges what an operator wrote; the error names the first fault.
func (u *User) validate() error {
	if all := u.problems(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// problems are all that is wrong with what an operator wrote, in the order of the fields.
func (u *User) problems() (all []*errcode.Error) {
	if a, ok := NormalizeLogin(u.Login); !ok || a != u.Login {
		all = append(all, errcode.InvalidField("login", "address"))
	}
	for _, f := range []struct{ field, address string }{{"email", u.Email}, {"secondEmail", u.SecondEmail}} {
		if f.address == "" && f.field == "secondEmail" {
			continue
		}
		if got, ok := NormalizeEmail(f.address); !ok || got != f.address {
			all = append(all, errcode.InvalidField(f.field, "address"))
		}
	}
	for _, f := range []struct{ field, name string }{{"firstName", u.FirstName}, {"lastName", u.LastName}} {
		if !utf8.ValidString(f.name) || utf8.RuneCountInString(f.name) > MaxName || strings.ContainsFunc(f.name, unicode.IsControl) {
			all = append(all, errcode.InvalidField(f.field, "name"))
		}
	}
	if len(u.Profile) > maxProfile || len(u.Profile) > 0 && !json.Valid(u.Profile) {
		all = append(all, errcode.InvalidField("profile", "too_long"))
	}
	if len(u.Groups) > maxGroups {
		all = append(all, errcode.InvalidField("groupIds", "too_many"))
	}
	return all
}

// indexedAddresses are the addresses under which the person is found; no two people share one. A shadow is found by none.
func (u *User) indexedAddresses() []string {
	if u.Placeholder {
		return nil
	}
	out := []string{u.Login}
	for _, a := range u.Addresses() {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// nameKeys are the index entries that find the person by the beginning of a name or of an address. A shadow has none.
func (u *User) nameKeys() []string {
	var out []string
	if u.Placeholder {
		return nil
	}
	for _, name := range append([]string{u.FirstName, u.LastName}, u.indexedAddresses()...) {
		if folded := FoldName(name); folded != "" {
			key := folded + "/" + string(u.ID)
			if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// firstKey is the first of the index entries that begin so: a person whom several find is listed there alone, or
// the next page would list them again.
func (u *User) firstKey(folded string) string {
	first := ""
	for _, key := range u.nameKeys() {
		if strings.HasPrefix(key, folded) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// FoldName is how names are looked up: lower case, escaped, at most 64 characters and 384 bytes, which leave
// room for the rest of a key. It decides nothing but what a search finds.
func FoldName(name string) string {
	runes := []rune(strings.ToLower(strings.TrimSpace(name)))
	for n := min(len(runes), MaxName); ; n-- {
		if key := store.Escape(string(runes[:n])); len(key) <= 384 {
			return key
		}
	}
}

// Find loads a person by id, login or address; NotFound when there is none.
func (r Reader) Find(idOrLogin string) (User, error) {
	if strings.HasPrefix(idOrLogin, "u") && len(idOrLogin) == 27 {
		u, err := r.User(UserID(idOrLogin))
		if errcode.Of(err) != errcode.NotFound {
			return u, err
		}
	}
	a, ok := NormalizeLogin(idOrLogin)
	if !ok {
		return User{}, errcode.New(errcode.NotFound)
	}
	return r.UserByAddress(a)
}

// UserQuery asks for people. The zero value is everybody, in the order of their ids.
type UserQuery struct {
	Prefix            string          // the beginning of a first name, last name, login or address; in any case
	Group             GroupID         // members of this garage only
	Filter            func(User) bool // further conditions; nil: none
	WithDisplayStatus bool            // User.State is told, to Keep as well
	Placeholders      bool            // those who only stand for somebody are listed too: see shadow.go
	After             string          // the cursor of an earlier call
	Limit             int             // 1 to 200; 0 means 200
}

// maxScanned is how many records one call reads at most before it gives what it has with a cursor.
const maxScanned = 5000

// ListUsers lists people. next is the cursor for more, "" at the end.
func (s *Service) ListUsers(ctx context.Context, q UserQuery) (people []User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	now := s.Now()
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		people, next = nil, ""
		r, seen := Reader{s, snap}, 0
		visit := func(cursor string, u User) error {
			if seen++; len(people) == q.Limit || seen > maxScanned {
				return store.ErrStop
			}
			next = cursor
			if u.Placeholder && !q.Placeholders {
				return nil
			}
			if q.WithDisplayStatus {
				var err error
				if u.DisplayStatus, err = r.DisplayStatus(&u, now); err != nil {
					return err
				}
			}
			if q.Filter == nil || q.Filter(u) {
				people = append(people, u)
			}
			return nil
		}
		err := r.walk(snap, q, visit)
		if len(people) < q.Limit && seen <= maxScanned {
			next = ""
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing people: %w", err)
	}
	return people, next, nil
}

// walk visits people through the index that the query needs.
func (r Reader) walk(snap store.Snapshot, q UserQuery, visit func(cursor string, u User) error) error {
	byIndex := func(id string, _ struct{}) error {
		u, err := r.User(UserID(id[strings.LastIndexByte(id, '/')+1:]))
		if errcode.Of(err) == errcode.NotFound {
			return nil
		}
		if err != nil || q.Prefix != "" && u.firstKey(FoldName(q.Prefix)) != id {
			return err
		}
		return visit(id, u)
	}
	switch {
	case q.Prefix != "":
		return r.s.names.Scan(snap, FoldName(q.Prefix), q.After, 0, byIndex)
	case q.Group != "":
		return r.s.members.Scan(snap, string(q.Group)+"/", q.After, 0, byIndex)
	}
	return r.s.users.Scan(snap, "", q.After, 0, func(id string, u User) error { return visit(id, u) })
}

// Cleared is what a reset took away.
type Cleared struct {
	Devices  map[factors.Kind]int
	Copies   int
	Codes    int // recovery codes that were left
	Sessions int
	Tickets  int
}

// IsZero tells that there was nothing left to clear.
func (c Cleared) IsZero() bool { return len(c.Devices) == 0 && c.Sessions == 0 }

// ResetDevices takes every device, ticket and session from the person and raises the Epoch, so that whatever
// else stands on it is dead too: enrolments under way, grants, remembered browsers. The caller audits, gives a
// ticket and saves. It lists kinds by what is there, so that no kind can be forgotten.
func (tx *Tx) ResetDevices(u *User) (Cleared, error) {
	out := Cleared{Devices: map[factors.Kind]int{}, Tickets: len(u.Tickets)}
	for _, d := range u.Devices {
		out.Devices[d.Kind]++
		out.Copies += len(d.Copies)
		out.Codes += tx.s.Status(d).Remaining
		if err := tx.ReleaseUnique(d); err != nil {
			return out, err
		}
	}
	for _, t := range u.Tickets {
		if err := tx.DeleteLink(t.Link); err != nil {
			return out, err
		}
	}
	n, err := tx.RevokeSessions(u, "")
	if err != nil {
		return out, err
	}
	out.Sessions = n
	u.Devices, u.Tickets, u.AdminEnrolment, u.ResetAt = nil, nil, nil, tx.Op.Now
	u.Epoch++
	u.Resets++
	tx.AddAdminActivity(u, audit.FactorsReset, "")
	return out, nil
}

// ValidateNew lists everything that keeps a person from being created, each by its field, in the order of the fields.
// A login that is there already is none: known is who has it. holder finds who has an address among those whom the
// caller may know of (PROTOCOL 21); NotFound without one. d is a device from elsewhere, nil for none.
func (r Reader) ValidateNew(u *User, d *factors.Device, holder func(address string) (User, error)) (faults []*errcode.Error, known UserID, err error) {
	faults = u.problems()
	fields := []string{"login", "email", "secondEmail"}
	for i, a := range []string{u.Login, u.Email, u.SecondEmail} {
		if a == "" || i == 1 && a == u.Login {
			continue
		}
		has, err := holder(a)
		switch {
		case errcode.Of(err) == errcode.NotFound:
		case err != nil:
			return nil, "", err
		case i == 0 && has.Login == a:
			known = has.ID
		case has.ID != known:
			faults = append(faults, errcode.InvalidField(fields[i], "taken"))
		}
	}
	if len(u.Groups) > maxGroupsAtCreation {
		return append(faults, errcode.InvalidField("groupIds", "too_many")), known, nil
	}
	for _, g := range u.Groups {
		switch _, err := r.Group(g); {
		case errcode.Of(err) == errcode.NotFound:
			faults = append(faults, errcode.InvalidField("groupIds", "unknown"))
		case err != nil:
			return nil, "", err
		}
	}
	if d == nil || known != "" {
		return faults, known, nil
	}
	_, err = r.s.uniques.Get(r.Raw, uniqueKey(d.Unique))
	switch {
	case err == nil:
		faults = append(faults, errcode.InvalidField("otpauth", "taken"))
	case !errors.Is(err, store.ErrNotFound):
		return nil, "", fmt.Errorf("looking up a key: %w", err)
	}
	return faults, known, nil
}
