package directory

import (
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// findByAddress is who has an address, as far as the operator may know: somebody within, or who stands for somebody there;
// NotFound without one. Whoever is not limited to groups knows everybody.
func findByAddress(r account.Reader, p admin.Principal, address string) (account.User, error) {
	if p.Scoped() {
		if u, err := admin.PlaceholderOf(r, p, address); errcode.Of(err) != errcode.NotFound {
			return u, err
		}
	}
	u, err := r.UserByAddress(address)
	if err == nil && p.Scoped() && !p.InScope(&u) {
		return account.User{}, errcode.New(errcode.NotFound)
	}
	return u, err
}

// handleExistingAddress decides what becomes of a new person one of whose addresses somebody has (PROTOCOL 21). To an operator
// who may know of that somebody, and to whoever is not limited to groups, it is taken. To anybody else the person is
// made all the same, as a shadow, and a request is opened for those who are not limited to groups. authn/shadow.go
// says what a shadow is.
func (s *Service) handleExistingAddress(tx *account.Tx, p admin.Principal, u *account.User) error {
	if !p.Scoped() {
		return nil // what is taken is refused where it is stored
	}
	holder := account.User{}
	for _, a := range u.AllLogins() {
		switch _, err := findByAddress(tx.Reader, p, a); {
		case err == nil:
			return errcode.New(errcode.Taken)
		case errcode.Of(err) != errcode.NotFound:
			return err
		}
		known, err := tx.UserByAddress(a)
		switch {
		case err == nil:
			holder = known
		case errcode.Of(err) != errcode.NotFound:
			return err
		}
	}
	if holder.ID == "" {
		return nil
	}
	u.Placeholder = true
	return s.HelpDesk.OpenInvitedElsewhere(tx, p, u, &holder)
}
