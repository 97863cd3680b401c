package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// ForwardSession is the record of a forward-auth session on one protected host (protocol rule 27). It ends with its session.
// While State is set, the record is a return code: it can be redeemed once, within ReturnCodeTTL, by the browser that has
// the nonce.
type ForwardSession struct {
	User    account.UserID `cbor:"1,keyasint"`
	Session string         `cbor:"2,keyasint"` // key of the session's record
	Host    string         `cbor:"3,keyasint"`
	State   string         `cbor:"4,keyasint,omitempty"`
	Made    time.Time      `cbor:"5,keyasint"`
	Expires time.Time      `cbor:"6,keyasint" since:"Made"`
}

// ReturnCodeTTL is the lifetime of a return code.
const ReturnCodeTTL = time.Minute

// ForwardState returns the state that identifies a nonce of the browser in URLs: its SHA-256 in base64url.
func ForwardState(nonce secret.Value) string {
	sum := sha256.Sum256([]byte(nonce.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// NewReturnCode stores and returns a return code for a host. It returns RateLimited beyond throttle.ReturnCodes.
func (s *Service) NewReturnCode(ctx context.Context, req account.RequestInfo, session secret.Value, host, state string) (secret.Value, error) {
	op := s.Accounts.NewOperation(req)
	code := op.Secret("return code")
	wait, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (time.Duration, error) {
		ses, u, err := s.Load(tx.Reader, session, op.Now)
		if err != nil {
			return 0, err
		}
		v, err := s.Accounts.Limiter.Take(tx.Raw, op.Now, throttle.ReturnCodes, session.Key())
		if err != nil {
			return 0, fmt.Errorf("counting return codes: %w", err)
		}
		if !v.OK {
			return v.Retry, nil
		}
		return 0, s.putForwardSession(tx, code, ForwardSession{User: u.ID, Session: session.Key(), Host: host, State: state, Made: op.Now,
			Expires: earlier(op.Now.Add(ReturnCodeTTL), ses.Created.Add(s.Accounts.Policy.SessionMax))})
	})
	if err == nil && wait > 0 {
		err = errcode.RateLimit(wait)
	}
	return code, err
}

// RedeemReturnCode replaces a return code by a forward-auth session and returns its secret. It returns InvalidLink if the code
// does not exist, has expired, or was made for another host or browser. A failed attempt uses up the code.
func (s *Service) RedeemReturnCode(ctx context.Context, req account.RequestInfo, code secret.Value, host string, nonce secret.Value) (secret.Value, error) {
	op := s.Accounts.NewOperation(req)
	secret := op.Secret("forward session")
	redeemed, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (bool, error) {
		f, err := s.forwards.Get(tx.Raw, code.Key())
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("loading a return code: %w", err)
		}
		if f.State == "" { // the secret of a forward-auth session is not a return code
			return false, nil
		}
		if err := s.forwards.Delete(tx.Raw, code.Key()); err != nil {
			return false, fmt.Errorf("deleting a return code: %w", err)
		}
		same := subtle.ConstantTimeCompare([]byte(f.State), []byte(ForwardState(nonce))) == 1
		if f.Host != host || !same || !op.Now.Before(f.Expires) {
			return false, nil
		}
		ses, u, err := s.loadByHash(tx.Reader, f.Session, op.Now)
		if errcode.Of(err) == errcode.NoSession {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		f.State, f.Made, f.Expires = "", op.Now, ses.Created.Add(s.Accounts.Policy.SessionMax)
		if err := s.putForwardSession(tx, secret, f); err != nil {
			return false, err
		}
		return true, tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
			Subject: string(u.ID), SubjectName: u.Login, Action: audit.AppSignIn, Outcome: audit.Success,
			Session: account.SessionID(f.Session), Targets: []audit.Actor{{Type: audit.TypeApplication, ID: host, Name: host}}})
	})
	if err == nil && !redeemed {
		err = errcode.New(errcode.InvalidLink)
	}
	return secret, err
}

func (s *Service) putForwardSession(tx *account.Tx, secret secret.Value, f ForwardSession) error {
	if err := s.forwards.Put(tx.Raw, secret.Key(), f); err != nil {
		return fmt.Errorf("storing a forward-auth session: %w", err)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// AuthenticateForward returns the session of a forward-auth session on a host. It returns NoSession if the secret is not that of
// a forward-auth session on this host, or if the session is not active. It reads three records and waits for no write.
func (s *Service) AuthenticateForward(ctx context.Context, secret secret.Value, host string) (Info, error) {
	if secret.IsZero() {
		return Info{}, errcode.New(errcode.NoSession)
	}
	now := s.Accounts.Now()
	var info Info
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		f, err := store.GetShared(s.forwards, r.Raw, secret.Key())
		switch {
		case errors.Is(err, store.ErrNotFound):
			return errcode.New(errcode.NoSession)
		case err != nil:
			return fmt.Errorf("loading a forward-auth session: %w", err)
		case f.State != "", f.Host != host, !now.Before(f.Expires):
			return errcode.New(errcode.NoSession)
		}
		info, err = s.use(r.Raw, f.Session, now)
		return err
	})
	return info, err
}
