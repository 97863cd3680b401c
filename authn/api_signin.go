package authn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// APISignInTTL is the lifetime of an API sign-in (protocol rule 25).
const APISignInTTL = 5 * time.Minute

// APISignIn is the state of a sign-in by POST /authn. Its user and devices carry no secret.
type APISignIn struct {
	Step      Step // StepVerify or StepDone; at any other step the user must continue on the pages
	State     secret.Value
	Expires   time.Time
	User      account.User     // without hashes, keys and devices
	Devices   []factors.Device // devices that accept a code, the last used one first; without Data
	Session   secret.Value     // with StepDone: bound to the API token, not valid on pages
	SessionID string           // public ID of the session
}

// StartAPISignIn verifies a password that a program supplies. Rules, counters, queue and errors (SignInFailed,
// RateLimited) are those of StartWithPassword. req.APIToken names the API token to which the transaction is bound.
// If visible returns false for a user, the login is treated as unknown.
func (s *Service) StartAPISignIn(ctx context.Context, req account.RequestInfo, identifier, password string,
	visible func(*account.User) bool) (APISignIn, error) {
	if req.APIToken == "" {
		return APISignIn{}, errcode.ForbiddenFor(errcode.ReasonNeedsAuthn)
	}
	started, err := s.startWithPassword(ctx, req, identifier, password, visible)
	if err != nil {
		return APISignIn{}, err
	}
	return s.APISignIn(ctx, req, started.Secret)
}

// APISignIn returns the state of an API sign-in. It returns Expired if there is none, or if it belongs to another token.
func (s *Service) APISignIn(ctx context.Context, req account.RequestInfo, state secret.Value) (APISignIn, error) {
	now, cache := s.Accounts.Now(), transactionCache{apiToken: req.APIToken}
	var out APISignIn
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		tr, u, step, err := s.apiTransaction(r, state, now, &cache)
		if err != nil {
			return err
		}
		out = APISignIn{Step: step, State: state, Expires: tr.Expires, Devices: DisplayDevices(s.codeDevices(s.verifiable(&tr, &u)))}
		out.User = account.User{ID: u.ID, Login: u.Login, Given: u.Given, FirstName: u.FirstName, LastName: u.LastName, Locale: s.Accounts.Locale(&u),
			Password: account.Password{Set: u.Password.Set}}
		if step == StepVerify && len(out.Devices) == 0 {
			out.Step = StepBlocked // a security key can be used only on a page
		}
		return nil
	})
	return out, err
}

// apiTransaction is loadCached for API sign-ins. It never returns the transaction of a browser.
func (s *Service) apiTransaction(r account.Reader, state secret.Value, now time.Time,
	cache *transactionCache) (Transaction, account.User, Step, error) {
	if cache.apiToken == "" {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	return s.loadCached(r, state, now, cache)
}

// codeDevices returns the devices that are verified by a typed code. An API sign-in accepts no others
// (protocol rule 25).
func (s *Service) codeDevices(devices []factors.Device) []factors.Device {
	var out []factors.Device
	for _, d := range devices {
		if s.Accounts.Method(d.Kind).Input == factors.InputCode {
			out = append(out, d)
		}
	}
	return out
}

// VerifyAPISignIn verifies a code of one device in an API sign-in. A rejected code is an outcome: it is counted and
// audited, and the transaction continues. NotFound means that no such device accepts codes here.
func (s *Service) VerifyAPISignIn(ctx context.Context, req account.RequestInfo, state secret.Value,
	id factors.DeviceID, code []byte) (APISignIn, Verification, error) {
	out, err := s.APISignIn(ctx, req, state)
	if err != nil {
		return APISignIn{}, Verification{}, err
	}
	switch {
	case out.Step != StepVerify:
		return APISignIn{}, Verification{}, errcode.New(errcode.WrongState)
	case !slices.ContainsFunc(out.Devices, func(d factors.Device) bool { return d.ID == id }):
		return APISignIn{}, Verification{}, errcode.New(errcode.NotFound)
	}
	v, err := s.verify(ctx, req, state, factors.InputCode, code, func(d factors.Device) bool { return d.ID == id })
	if err != nil || !v.Accepted() {
		return out, v.Verification, err
	}
	out.State = secret.Value{}
	if out.Step, out.Devices = v.Step, nil; v.Step != StepDone {
		return out, v.Verification, nil // the rest needs a page
	}
	out.Session, out.SessionID = v.Credentials.Session, account.SessionID(v.Credentials.Session.Key())
	now := s.Accounts.Now()
	out.Expires = s.Sessions.ExpiresAt(now, now)
	return out, v.Verification, nil
}

// CancelAPISignIn deletes an API sign-in before its second step. It returns Expired if there is none.
func (s *Service) CancelAPISignIn(ctx context.Context, req account.RequestInfo, state secret.Value) error {
	op, cache := s.Accounts.NewOperation(req), transactionCache{apiToken: req.APIToken}
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		if _, _, _, err := s.apiTransaction(tx.Reader, state, op.Now, &cache); err != nil {
			return struct{}{}, err
		}
		if err := s.transactions.Delete(tx.Raw, state.Key()); err != nil {
			return struct{}{}, fmt.Errorf("deleting a sign-in transaction: %w", err)
		}
		return struct{}{}, nil
	})
	return err
}
