package admin

import (
	"context"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// FindUser returns the user with this id or login if p may perform the operation on them. It returns NotFound for a
// user that does not exist and for a user outside the group scope.
func FindUser(r account.Reader, p Principal, perm Permission, id string) (account.User, error) {
	if err := p.Require(perm); err != nil {
		return account.User{}, err
	}
	u, err := r.Find(id)
	if p.Scoped() && (errcode.Of(err) == errcode.NotFound || err == nil && !p.InScope(&u)) {
		u, err = PlaceholderOf(r, p, id)
	}
	if err != nil {
		return account.User{}, err
	}
	return u, Authorize(p, perm, &u)
}

// WithoutSecrets returns u without secrets and hashes. Devices keep their Data, which Describe reads; the caller must
// not publish it.
func WithoutSecrets(u account.User) account.User {
	u.Password.Hash, u.Handle = "", nil
	for i := range u.Tickets {
		u.Tickets[i].Code, u.Tickets[i].Link = nil, ""
	}
	u.Invited.Link = ""
	if u.AdminEnrolment != nil {
		o := *u.AdminEnrolment
		o.Pending = nil
		u.AdminEnrolment = &o
	}
	u.AdminVerification = nil
	return u
}

// User returns the user with this id, login or address. It returns NotFound if there is none in the scope of p.
func (s *Service) User(ctx context.Context, p Principal, idOrLogin string) (account.User, error) {
	var u account.User
	err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = FindUser(r, p, PermRead, idOrLogin); err == nil {
			u.DisplayStatus, err = r.DisplayStatus(&u, s.Accounts.Now())
		}
		return err
	})
	if err != nil {
		return account.User{}, err
	}
	return WithoutSecrets(u), nil
}

// Self returns the owner of p, also outside the group scope of p. It returns NotFound if the operator owns p.
func (s *Service) Self(ctx context.Context, p Principal) (account.User, error) {
	if err := p.Require(PermRead); err != nil {
		return account.User{}, err
	}
	if ownedByOperator(p.Owner) {
		return account.User{}, &errcode.Error{Code: errcode.NotFound, Reason: errcode.ReasonOwnedByOperator}
	}
	var u account.User
	err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = r.User(account.UserID(p.Owner)); err == nil {
			u.DisplayStatus, err = r.DisplayStatus(&u, s.Accounts.Now())
		}
		return err
	})
	if err != nil {
		return account.User{}, err
	}
	return WithoutSecrets(u), nil
}

// PlaceholderOf returns the placeholder account for an address in the group scope of p, or NotFound.
func PlaceholderOf(r account.Reader, p Principal, address string) (account.User, error) {
	a, ok := account.NormalizeLogin(address)
	if !ok {
		return account.User{}, errcode.New(errcode.NotFound)
	}
	placeholders, err := r.PlaceholdersFor(a)
	if err != nil {
		return account.User{}, err
	}
	for _, u := range placeholders {
		if p.InScope(&u) {
			return u, nil
		}
	}
	return account.User{}, errcode.New(errcode.NotFound)
}
