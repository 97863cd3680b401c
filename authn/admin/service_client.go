package admin

import (
	"context"
	"errors"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/store"
)

// ClientPrefix begins the ID of a principal that is an OAuth client.
const ClientPrefix = "client:"

// ServiceClient is an OAuth client with a role, as its access token states it.
type ServiceClient struct {
	ID, Name string
	Owner    string // user id or "operator:<uid>"
	Role     account.Role
	Groups   []account.GroupID // nil: all users; empty: none
	Expires  time.Time         // of the access token
}

// ServicePrincipal returns the principal of a service client. Like that of an API token, it is limited to the present
// roles of its owner, and it has no allowances (protocol rule 20). ServicePrincipal returns NoSession if the token is
// expired, or if the owner is deleted, not active or without a role.
func (s *Service) ServicePrincipal(r store.Reader, c ServiceClient) (Principal, error) {
	p, err := principalOf(s.Accounts.Reader(r), &Token{Name: c.Name, Owner: c.Owner, Role: c.Role, Groups: c.Groups, Expires: c.Expires}, s.Accounts.Now())
	if err != nil {
		return Principal{}, err
	}
	p.ID = ClientPrefix + c.ID
	return p, nil
}

// ServiceOwner returns the owner of a service client that p registers: the user with this id or login, who must be
// active and have at least the role, or the operator. An empty name means p. Only the operator registers one.
func (s *Service) ServiceOwner(ctx context.Context, p Principal, role account.Role, named string) (string, error) {
	if err := p.Require(PermConfigure); err != nil {
		return "", err
	}
	switch {
	case !p.Operator:
		return "", errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	case named == "":
		return p.Owner, nil
	case ownedByOperator(named):
		return named, nil
	}
	t := Token{Role: role}
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		_, err := tokenOwner(r, &t, named, s.Accounts.Now())
		return err
	})
	if e, ok := errors.AsType[*errcode.Error](err); ok && e.Code == errcode.Invalid {
		err = &errcode.Error{Code: errcode.Invalid, Field: "barillet_owner", Reason: e.Reason, Until: e.Until}
	}
	return t.Owner, err
}
