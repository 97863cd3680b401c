package directory

import (
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// findByAddress returns the user with an address, as far as p may know: a placeholder or a user in the group scope of
// p. Without a group scope it is any user. Otherwise it returns NotFound.
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

// handleExistingAddress returns Taken if p may know that a user has an address of u. If p may not know it, it makes u a
// placeholder and opens a help request for administrators without a group scope (protocol rule 21).
func (s *Service) handleExistingAddress(tx *account.Tx, p admin.Principal, u *account.User) error {
	if !p.Scoped() {
		return nil // Create returns Taken
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
