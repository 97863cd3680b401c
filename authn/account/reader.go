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

// Reader reads the house's people within one snapshot or one change.
type Reader struct {
	s   *Service
	Raw store.Reader
}

// User loads a person; NotFound when there is none.
func (r Reader) User(id UserID) (User, error) {
	return r.UserCached(id, &store.Cached[User]{})
}

// UserCached is User for one that was probably read before.
func (r Reader) UserCached(id UserID, kept *store.Cached[User]) (User, error) {
	u, err := r.s.users.GetCached(r.Raw, string(id), kept)
	u.stored = u.Summarize()
	u.stored.Groups = slices.Clone(u.Groups) // whatever becomes of the person's own list
	return u, missing(err, "user", string(id))
}

// UserByAddress loads whoever has the address as login or address.
func (r Reader) UserByAddress(normalised string) (User, error) {
	id, err := r.s.addresses.Get(r.Raw, store.Escape(normalised))
	if err != nil {
		return User{}, missing(err, "address", "")
	}
	return r.User(id)
}

// Group loads a garage; NotFound when there is none, or no longer.
func (r Reader) Group(id GroupID) (Group, error) {
	g, err := r.s.groups.Get(r.Raw, string(id))
	if err == nil && !g.Deleted.IsZero() {
		return Group{}, errcode.New(errcode.NotFound)
	}
	return g, missing(err, "group", string(id))
}

// missing turns the store's not-found into the domain's and says of other errors what was being done.
func missing(err error, what, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return errcode.New(errcode.NotFound)
	}
	return fmt.Errorf("loading %s %q: %w", what, id, err)
}

// Summary returns the summary of a user; NotFound if there is none.
func (r Reader) Summary(id UserID) (Summary, error) {
	st, err := r.s.summaries.Get(r.Raw, string(id))
	return st, missing(err, "summary", string(id))
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

// View reads in one snapshot; fn sees people as they stand.
func (s *Service) View(ctx context.Context, fn func(r Reader) error) error {
	return s.Store.View(ctx, func(snap store.Snapshot) error { return fn(s.Reader(snap)) })
}

// Reader reads people within a snapshot or change that is at hand.
func (s *Service) Reader(r store.Reader) Reader { return Reader{s, r} }
