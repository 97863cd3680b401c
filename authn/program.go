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

// APISignInTTL is how long a program has for the second step (PROTOCOL 25).
const APISignInTTL = 5 * time.Minute

// APISignIn is where a sign-in stands that a program does for a person. It holds no secret of the person.
type APISignIn struct {
	Step      Step // StepVerify, StepDone; else the person has to come to the pages
	State     secret.Value
	Expires   time.Time
	User      account.User     // without what proofs need
	Devices   []factors.Device // that a code may be given of, the one used last first; without Data
	Session   secret.Value     // with StepDone: of kind program, worth nothing at any page
	SessionID string           // its public name, as in lists
}

// StartAPISignIn judges a password that a program was given, by the same rules, counters and pool as the page does,
// and with the same refusals: SignInFailed, RateLimited. from.Program names the API token to which all that follows is
// bound; whom the token may not see is a stranger.
func (s *Service) StartAPISignIn(ctx context.Context, req account.RequestInfo, identifier, password string, sees func(*account.User) bool) (APISignIn, error) {
	if req.APIToken == "" {
		return APISignIn{}, errcode.New(errcode.Forbidden)
	}
	started, err := s.startWithPassword(ctx, req, identifier, password, "", sees)
	if err != nil {
		return APISignIn{}, err
	}
	return s.APISignIn(ctx, req, started.Secret)
}

// APISignIn tells where a program's sign-in stands; Expired when it is over, or another token's.
func (s *Service) APISignIn(ctx context.Context, req account.RequestInfo, state secret.Value) (APISignIn, error) {
	now, kept := s.Accounts.Now(), transactionCache{apiToken: req.APIToken}
	var out APISignIn
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		l, u, step, err := s.apiTransaction(r, state, now, &kept)
		if err != nil {
			return err
		}
		out = APISignIn{Step: step, State: state, Expires: l.Expires, Devices: DisplayDevices(s.TypedDevice(s.verifiable(&l, &u)))}
		out.User = account.User{ID: u.ID, Login: u.Login, FirstName: u.FirstName, LastName: u.LastName, Locale: s.Accounts.Locale(&u),
			Password: account.Password{Set: u.Password.Set}}
		if step == StepVerify && len(out.Devices) == 0 {
			out.Step = StepBlocked // a security key needs a page of ours
		}
		return nil
	})
	return out, err
}

// apiTransaction is loadCached for programs: never a browser's login.
func (s *Service) apiTransaction(r account.Reader, state secret.Value, now time.Time, kept *transactionCache) (Transaction, account.User, Step, error) {
	if kept.apiToken == "" {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	return s.loadCached(r, state, now, kept)
}

// TypedDevice are the devices whose answer is a code that can be typed anywhere (PROTOCOL 25).
func (s *Service) TypedDevice(devices []factors.Device) []factors.Device {
	var out []factors.Device
	for _, d := range devices {
		if s.Accounts.Method(d.Kind).Input == factors.InputCode {
			out = append(out, d)
		}
	}
	return out
}

// VerifyAPISignIn judges a code of one device in a program's sign-in. A refused one is an outcome: counted, audited, and
// the transaction goes on. NotFound: no such device takes codes here.
func (s *Service) VerifyAPISignIn(ctx context.Context, req account.RequestInfo, state secret.Value, id factors.DeviceID, code []byte) (APISignIn, Verification, error) {
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
		return out, v.Verification, nil // something is left that only a page can ask
	}
	out.Session, out.SessionID = v.Credentials.Session, account.SessionID(v.Credentials.Session.Hash())
	now := s.Accounts.Now()
	out.Expires = s.Sessions.ExpiresAt(now, now)
	return out, v.Verification, nil
}

// CancelAPISignIn ends a program's sign-in before its second step; Expired when there is none.
func (s *Service) CancelAPISignIn(ctx context.Context, req account.RequestInfo, state secret.Value) error {
	op, kept := s.Accounts.NewOperation(req), transactionCache{apiToken: req.APIToken}
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		if _, _, _, err := s.apiTransaction(tx.Reader, state, op.Now, &kept); err != nil {
			return struct{}{}, err
		}
		if err := s.transactions.Delete(tx.Raw, state.Hash()); err != nil {
			return struct{}{}, fmt.Errorf("ending a login: %w", err)
		}
		return struct{}{}, nil
	})
	return err
}
