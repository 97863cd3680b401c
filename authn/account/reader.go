package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/store"
)

// Reader reads users and groups within one snapshot or transaction of the store.
type Reader struct {
	s   *Service
	Raw store.Reader
}

// View calls fn with a reader of one snapshot of the store.
func (s *Service) View(ctx context.Context, fn func(r Reader) error) error {
	return s.Store.View(ctx, func(snap store.Snapshot) error { return fn(s.Reader(snap)) })
}

// Reader returns a reader of a snapshot or transaction of the store.
func (s *Service) Reader(r store.Reader) Reader { return Reader{s, r} }

// User returns a user; NotFound if there is none.
func (r Reader) User(id UserID) (User, error) {
	return r.UserCached(id, &store.Cached[User]{})
}

// UserCached is User with a cache of the decoded record.
func (r Reader) UserCached(id UserID, cache *store.Cached[User]) (User, error) {
	u, err := store.GetCached(r.s.users, r.Raw, string(id), cache)
	r.s.loaded(&u, id)
	u.stored = u.Summarize()
	u.stored.Groups = slices.Clone(u.Groups) // the caller may change u.Groups in place
	u.indexed = r.s.indexed(&u)
	return u, missing(err, "user", string(id))
}

// loaded completes a user whose record was read.
func (s *Service) loaded(u *User, id UserID) {
	if u.ID = id; u.Email == sameAsLogin {
		u.Email = u.Login
	}
	s.endRecoveryOverlap(u)
}

// ScanUsers calls fn for each user, in the order of their ids, after the id after. No index is read.
func (r Reader) ScanUsers(snap store.Snapshot, after string, fn func(u User) error) error {
	return r.s.users.Scan(snap, "", after, 0, func(id string, u User) error {
		r.s.loaded(&u, UserID(id))
		return fn(u)
	})
}

// UserByAddress returns the user who has the normalized address as login or address; NotFound if there is none.
func (r Reader) UserByAddress(address string) (User, error) {
	id, err := r.s.addresses.Get(r.Raw, store.Escape(address))
	if err != nil {
		return User{}, missing(err, "address", "")
	}
	return r.User(id)
}

// Group returns a group; NotFound if there is none or it is deleted.
func (r Reader) Group(id GroupID) (Group, error) {
	if store.CheckKey(string(id)) != nil { // no group has such an id
		return Group{}, errcode.New(errcode.NotFound)
	}
	g, err := store.GetShared(r.s.groups, r.Raw, string(id)) // a damaged one counts as missing
	if err == nil && !g.Deleted.IsZero() {
		return Group{}, errcode.New(errcode.NotFound)
	}
	return g, missing(err, "group", string(id))
}

// Summary returns the summary of a user; NotFound if there is none. Its slices are shared: the caller must not change them.
func (r Reader) Summary(id UserID) (Summary, error) {
	sum, err := store.GetShared(r.s.summaries, r.Raw, string(id))
	return sum, missing(err, "summary", string(id))
}

// Find returns the user with an id, login or address; NotFound if there is none.
func (r Reader) Find(idOrLogin string) (User, error) {
	if IsUserID(idOrLogin) {
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

// IsUserID reports whether a text has the form of a user id.
func IsUserID(text string) bool {
	return len(text) == 27 && text[0] == 'u' && strings.ToLower(text) == text
}

// Missing reports whether err means that a list has no record to show: it does not exist or cannot be read.
func Missing(err error) bool {
	return errcode.Of(err) == errcode.NotFound || errors.Is(err, store.ErrUnreadable)
}

// IsDeleted reports whether the error of a read means that the record was deleted. A damaged one was not: it may be restored.
func IsDeleted(err error) (bool, error) {
	if Missing(err) {
		return errcode.Of(err) == errcode.NotFound, nil
	}
	return false, err
}

// missing returns NotFound for store.ErrNotFound, and any other error with its operation.
func missing(err error, what, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errcode.New(errcode.NotFound)
	}
	return fmt.Errorf("loading %s %q: %w", what, id, err)
}
