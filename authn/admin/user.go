package admin

import (
	"context"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// FindUser loads a person whom the operator may do this to. Somebody who is not there and somebody outside the
// scope are one answer.
func FindUser(r account.Reader, op Principal, a Permission, id string) (account.User, error) {
	if err := op.Require(a); err != nil {
		return account.User{}, err
	}
	u, err := r.Find(id)
	if op.Scoped() && (errcode.Of(err) == errcode.NotFound || err == nil && !op.InScope(&u)) {
		u, err = PlaceholderOf(r, op, id)
	}
	if err != nil {
		return account.User{}, err
	}
	return u, Authorize(op, a, &u)
}

// WithoutSecrets is a person without what only proofs need. Devices keep their Data, for authn.Service.Describe reads
// it: whoever shows them leaves it out.
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

// User reads a person by id, login or address; NotFound when there is none that this operator may know of.
func (d *Service) User(ctx context.Context, op Principal, idOrLogin string) (account.User, error) {
	var u account.User
	err := d.Accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = FindUser(r, op, PermRead, idOrLogin); err == nil {
			u.DisplayStatus, err = r.DisplayStatus(&u, d.Accounts.Now())
		}
		return err
	})
	if err != nil {
		return account.User{}, err
	}
	return WithoutSecrets(u), nil
}

// PlaceholderOf is the shadow that goes by an address within the operator's scope; NotFound without one.
func PlaceholderOf(r account.Reader, op Principal, address string) (account.User, error) {
	a, ok := account.NormalizeLogin(address)
	if !ok {
		return account.User{}, errcode.New(errcode.NotFound)
	}
	shadows, err := r.PlaceholdersFor(a)
	if err != nil {
		return account.User{}, err
	}
	for _, u := range shadows {
		if op.InScope(&u) {
			return u, nil
		}
	}
	return account.User{}, errcode.New(errcode.NotFound)
}
