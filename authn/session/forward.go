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

// ForwardSession lets somebody through to one host of an application that stands behind forward-auth (PROTOCOL 27). It stands
// on a session, ends with it, and is accepted for its own host and for nothing else. While State is set it is no
// gate yet but a return code: good once, for ReturnCodeTTL, for the browser that holds the nonce.
type ForwardSession struct {
	User    account.UserID `json:"user"`
	Session string         `json:"session"` // hash of the session's secret
	Host    string         `json:"host"`
	State   string         `json:"state,omitempty"`
	Made    time.Time      `json:"made"`
	Expires time.Time      `json:"expires"`
}

// ReturnCodeTTL is how long a return code is good.
const ReturnCodeTTL = time.Minute

// ForwardState is what the browser's nonce is known by on the way to the sign-in and back.
func ForwardState(nonce secret.Value) string {
	sum := sha256.Sum256([]byte(nonce.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// NewReturnCode makes a return code for a host, on the way back from the sign-in. RateLimited beyond throttle.Gates.
func (s *Service) NewReturnCode(ctx context.Context, req account.RequestInfo, session secret.Value, host, state string) (secret.Value, error) {
	op := s.Accounts.NewOperation(req)
	code := op.Secret("gate code")
	wait, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (time.Duration, error) {
		ses, u, err := s.Load(tx.Reader, session, op.Now)
		if err != nil {
			return 0, err
		}
		v, err := s.Accounts.Limiter.Take(tx.Raw, op.Now, throttle.ReturnCodes, session.Hash())
		if err != nil {
			return 0, fmt.Errorf("counting gates: %w", err)
		}
		if !v.OK {
			return v.Retry, nil
		}
		return 0, s.putForwardSession(tx, code, ForwardSession{User: u.ID, Session: session.Hash(), Host: host, State: state, Made: op.Now,
			Expires: earlier(op.Now.Add(ReturnCodeTTL), ses.Created.Add(s.Accounts.Policy.SessionMax))})
	})
	if err == nil && wait > 0 {
		err = errcode.RateLimit(wait)
	}
	return code, err
}

// RedeemReturnCode changes a return code into a gate, once. InvalidLink when the code is not, or no longer, good, or was made
// for another host or browser: a code in the wrong hands is spent by the try.
func (s *Service) RedeemReturnCode(ctx context.Context, req account.RequestInfo, code secret.Value, host string, nonce secret.Value) (secret.Value, error) {
	op := s.Accounts.NewOperation(req)
	secret := op.Secret("gate")
	passed, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (bool, error) {
		g, err := s.forwards.Get(tx.Raw, code.Hash())
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("loading a return code: %w", err)
		}
		if g.State == "" { // a gate's own secret is no code
			return false, nil
		}
		if err := s.forwards.Delete(tx.Raw, code.Hash()); err != nil {
			return false, fmt.Errorf("spending a return code: %w", err)
		}
		same := subtle.ConstantTimeCompare([]byte(g.State), []byte(ForwardState(nonce))) == 1
		if g.Host != host || !same || !op.Now.Before(g.Expires) {
			return false, nil
		}
		ses, u, err := s.loadByHash(tx.Reader, g.Session, op.Now)
		if errcode.Of(err) == errcode.NoSession {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		g.State, g.Made, g.Expires = "", op.Now, ses.Created.Add(s.Accounts.Policy.SessionMax)
		if err := s.putForwardSession(tx, secret, g); err != nil {
			return false, err
		}
		return true, tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
			Subject: string(u.ID), SubjectName: u.Login, Action: audit.AppSignIn, Outcome: audit.Success,
			Session: account.SessionID(g.Session), Targets: []audit.Actor{{Type: audit.TypeApplication, ID: host, Name: host}}})
	})
	if err == nil && !passed {
		err = errcode.New(errcode.InvalidLink)
	}
	return secret, err
}

func (s *Service) putForwardSession(tx *account.Tx, secret secret.Value, g ForwardSession) error {
	if err := s.forwards.Put(tx.Raw, secret.Hash(), g); err != nil {
		return fmt.Errorf("storing a gate: %w", err)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// AuthenticateForward finds out who a gate lets through to a host; NoSession for anything that is no gate of that host, or
// whose session is over. It reads three records and never waits for a write.
func (s *Service) AuthenticateForward(ctx context.Context, secret secret.Value, host string) (Info, error) {
	if secret.IsZero() {
		return Info{}, errcode.New(errcode.NoSession)
	}
	now := s.Accounts.Now()
	var live Info
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		g, err := s.forwards.Get(r.Raw, secret.Hash())
		switch {
		case errors.Is(err, store.ErrNotFound):
			return errcode.New(errcode.NoSession)
		case err != nil:
			return fmt.Errorf("checking a gate: %w", err)
		case g.State != "", g.Host != host, !now.Before(g.Expires):
			return errcode.New(errcode.NoSession)
		}
		live, err = s.use(r.Raw, g.Session, now)
		return err
	})
	return live, err
}
