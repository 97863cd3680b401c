package directory

import (
	"context"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// setupOperator is the principal of the setup link, which acts once as the operator (protocol rule 20).
var setupOperator = admin.Principal{ID: "operator:setup", Owner: "operator:setup", Name: "setup link", Operator: true}

// SetupLink is a link that makes the first administrator. The zero value is no link.
type SetupLink struct {
	URL     secret.Value
	Expires time.Time
}

// NewSetupLink returns a new setup link, which ends the previous one. It returns none if there is or was a SUPER_ADMIN.
func (s *Service) NewSetupLink(ctx context.Context) (SetupLink, error) {
	held, err := roster.Holders(ctx, s.accounts, roster.HolderQuery{All: true, MinRank: account.RoleSuperAdmin.Rank(), Limit: 1})
	if err != nil {
		return SetupLink{}, err
	}
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (SetupLink, error) {
		record, err := s.accounts.Setup.Get(tx.Raw)
		switch {
		case err != nil || !record.Ended.IsZero():
			return SetupLink{}, err
		case len(held) > 0: // the store is older than the mark
			return SetupLink{}, s.accounts.Setup.End(tx.Raw, tx.Op.Now)
		}
		token := tx.Op.Secret("setup")
		expires, err := s.accounts.Setup.PutLink(tx.Raw, token, tx.Op.Now)
		if err != nil {
			return SetupLink{}, err
		}
		err = tx.Audit(audit.Event{Actor: audit.System, Action: audit.SetupLinkIssued, Outcome: audit.Success,
			Detail: map[string]string{"expires": expires.UTC().Format(time.RFC3339)}})
		return SetupLink{secret.From(s.signIn.URL("/setup/" + token.Reveal())), expires}, err
	})
}

// HasSetupLink reports whether a setup link is valid.
func (s *Service) HasSetupLink(ctx context.Context) (has bool, err error) {
	err = s.accounts.View(ctx, func(r account.Reader) error {
		record, err := s.accounts.Setup.Get(r.Raw)
		has = err == nil && record.Ended.IsZero() && s.accounts.Now().Before(record.Expires)
		return err
	})
	return has, err
}

// CheckSetupLink returns InvalidLink unless the token is that of the setup link, and it is valid.
func (s *Service) CheckSetupLink(ctx context.Context, token secret.Value) error {
	return s.accounts.View(ctx, func(r account.Reader) error { return s.checkSetupLink(r, token, s.accounts.Now()) })
}

func (s *Service) checkSetupLink(r account.Reader, token secret.Value, now time.Time) error {
	record, err := s.accounts.Setup.Get(r.Raw)
	if err == nil && !record.Opens(token, now) {
		err = errcode.New(errcode.InvalidLink)
	}
	return err
}

// FirstAdministrator is what the user of the setup link typed.
type FirstAdministrator struct{ Email, FirstName, LastName, Password string }

// SetUp creates the first SUPER_ADMIN by the setup link, and starts a transaction that may enrol, as an accepted invitation
// does. The Update that stores the user ends the link. SetUp returns InvalidLink, Taken or Invalid.
func (s *Service) SetUp(ctx context.Context, req account.RequestInfo, token secret.Value, f FirstAdministrator) (authn.TransactionRef, error) {
	if err := s.CheckSetupLink(ctx, token); err != nil {
		return authn.TransactionRef{}, err
	}
	n := NewUser{Email: f.Email, FirstName: f.FirstName, LastName: f.LastName, Role: account.RoleSuperAdmin}
	u, err := s.validateNew(setupOperator, n, false, true)
	if err == nil {
		err = u.NormalizeNames()
	}
	if err != nil {
		return authn.TransactionRef{}, err
	}
	hash, err := s.hashPassword(ctx, &u, f.Password)
	if err != nil {
		return authn.TransactionRef{}, err
	}
	op := s.accounts.NewOperation(req)
	return account.Update(ctx, s.accounts, op, func(tx *account.Tx) (authn.TransactionRef, error) {
		if err := s.checkSetupLink(tx.Reader, token, op.Now); err != nil {
			return authn.TransactionRef{}, err
		}
		created, err := s.storeUser(tx, setupOperator, n, u, nil, false, false)
		if err != nil {
			return authn.TransactionRef{}, err
		}
		// Nobody has the token of this invitation: it only lets the transaction enrol.
		if _, err := s.signIn.Invite(tx, &created.User, account.ProvenanceUser, s.accounts.Policy.Issuer); err != nil {
			return authn.TransactionRef{}, err
		}
		return s.signIn.BeginInvited(tx, &created.User, hash)
	})
}

// WatchSetup makes the store call fn after each change of the setup link. fn must not block.
func (s *Service) WatchSetup(fn func()) { s.accounts.Setup.Watch(s.accounts.Store, fn) }
