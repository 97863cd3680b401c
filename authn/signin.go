package authn

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// Service runs sign-in transactions from the password to the session, and step-up in a session.
type Service struct {
	Accounts *account.Service
	Sessions *session.Service

	transactions store.Table[Transaction]
}

// New returns the sign-in of the users of accounts, which opens sessions of sessions.
func New(accounts *account.Service, sessions *session.Service, ring *store.Keyring) *Service {
	return &Service{Accounts: accounts, Sessions: sessions, transactions: store.NewTable[Transaction](ring, store.Transactions)}
}

// passwordAttempt is who an identifier may mean, as one View found them.
type passwordAttempt struct {
	user         account.User
	found        bool
	knownBrowser bool // from a known browser of the person
	failureID    string
	wait         time.Duration
}

// StartWithPassword judges an identifier and password. Whatever fails, the answer is SignInFailed or, past the limits,
// RateLimited; strangers and known people cost the same work: one View, one hash, one Update.
func (s *Service) StartWithPassword(ctx context.Context, req account.RequestInfo, identifier, password, returnTo string) (TransactionRef, error) {
	return s.startWithPassword(ctx, req, identifier, password, returnTo, func(*account.User) bool { return true })
}

// startWithPassword is Password for whoever sees these people only: anybody else is a stranger to them.
func (s *Service) startWithPassword(ctx context.Context, req account.RequestInfo, identifier, password, returnTo string, sees func(*account.User) bool) (TransactionRef, error) {
	name, ok := account.NormalizeLogin(identifier)
	if !ok {
		// Nobody's, the same ghost whenever it is typed, and short enough to be looked up like a name.
		name = "\x00" + secret.From(identifier).Hash()
	}
	var out passwordResult
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		a, err := s.newPasswordAttempt(ctx, op, name, sees)
		if err != nil {
			return false, err
		}
		if a.wait > 0 {
			out = passwordResult{wait: a.wait}
			return true, nil
		}
		done, err := s.tryPassword(ctx, op, a, password, returnTo)
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	if err != nil {
		return TransactionRef{}, err
	}
	return out.TransactionRef, out.err()
}

// tryPassword judges a password outside any transaction and stores the outcome; nil when the password is no
// longer the one that was judged.
func (s *Service) tryPassword(ctx context.Context, op *account.Operation, a passwordAttempt, password, returnTo string) (*passwordResult, error) {
	hash := ""
	if a.found {
		hash = a.user.Password.Hash
	}
	right, rehash, err := s.Accounts.Hasher.Verify(ctx, a.knownBrowser, hash, password)
	if err != nil {
		return nil, fmt.Errorf("verifying a password: %w", err)
	}
	newHash := ""
	if right && rehash && a.user.Status == account.StatusActive {
		// A hash that cannot be renewed now (the pool is full) is renewed at another sign-in.
		newHash, _ = s.Accounts.Hasher.Hash(ctx, a.knownBrowser, password)
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*passwordResult, error) {
		return s.storePassword(tx, a, right && a.user.Status == account.StatusActive, newHash, returnTo)
	})
	if err != nil {
		return nil, fmt.Errorf("storing a sign-in: %w", err)
	}
	return out, nil
}

// passwordResult is what a password attempt was stored as.
type passwordResult struct {
	TransactionRef
	code errcode.Code
	wait time.Duration
}

// err is the outcome as an error, only after it was stored.
func (o passwordResult) err() error {
	switch {
	case o.wait > 0:
		return errcode.RateLimit(o.wait)
	case o.code != "":
		return errcode.New(o.code)
	}
	return nil
}

// newPasswordAttempt looks up who is meant and whether an attempt may be judged at all.
func (s *Service) newPasswordAttempt(ctx context.Context, op *account.Operation, name string, sees func(*account.User) bool) (passwordAttempt, error) {
	var a passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		a = passwordAttempt{}
		u, err := r.UserByAddress(name)
		switch {
		case errcode.Of(err) == errcode.NotFound, err == nil && !sees(&u):
			a.failureID = s.Accounts.Failures.UnknownLoginID(name)
		case err != nil:
			return err
		default:
			a.user, a.found, a.failureID = u, true, s.Accounts.FailureID(u.ID)
			a.knownBrowser = u.KnowsBrowser(op.Request.Browser, op.Now)
		}
		a.wait, err = s.passwordWait(r.Raw, op, a)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("looking up who signs in: %w", err)
	}
	return a, nil
}

// maxWait tells how long to wait before a password is judged; 0: now. Failures are counted by address and
// network, and by person or ghost (PROTOCOL 18). A known browser has its own budget of both.
func (s *Service) passwordWait(r store.Reader, op *account.Operation, a passwordAttempt) (time.Duration, error) {
	if !a.knownBrowser {
		for _, l := range s.sourceLimits(op) {
			v, err := s.Accounts.Limiter.Peek(r, op.Now, l.limit, l.subject)
			if err != nil {
				return 0, fmt.Errorf("reading limit %s: %w", l.limit.Name, err)
			}
			if !v.OK {
				return max(v.Retry, time.Second), nil
			}
		}
	}
	f, err := s.Accounts.Failures.Get(r, a.failureID)
	if err != nil {
		return 0, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := f.Allowed(op.Now, throttle.Password, a.knownBrowser); !ok {
		return max(until.Sub(op.Now), time.Second), nil
	}
	return 0, nil
}

type sourceLimit struct {
	limit   throttle.Limit
	subject string
}

func (s *Service) sourceLimits(op *account.Operation) []sourceLimit {
	return []sourceLimit{{throttle.LoginAddress, throttle.Address(op.Request.Address)},
		{throttle.LoginNetwork, throttle.Network(op.Request.Address)}}
}

// storePassword stores what a password attempt came to. The limits are judged once more, for others may have
// tried at the same moment; nil when the password is no longer the one that was judged (PROTOCOL 32).
func (s *Service) storePassword(tx *account.Tx, a passwordAttempt, right bool, newHash, returnTo string) (*passwordResult, error) {
	now := tx.Op.Now
	wait, err := s.passwordWait(tx.Raw, tx.Op, a)
	if err != nil || wait > 0 {
		return &passwordResult{wait: wait}, err
	}
	var u account.User
	if a.found {
		if u, err = tx.User(a.user.ID); err != nil {
			return nil, err
		}
		if u.Password.Hash != a.user.Password.Hash {
			return nil, nil // hashed anew by a sign-in of the same moment, or changed: it is judged again, not counted
		}
		right = right && u.Status == account.StatusActive
	}
	if err := s.recordPassword(tx, a, right); err != nil {
		return nil, err
	}
	if !right {
		return &passwordResult{code: errcode.SignInFailed}, s.auditPassword(tx, &u, a.found)
	}
	if newHash != "" {
		u.Password.Hash = newHash
		if err := tx.Save(&u); err != nil {
			return nil, err
		}
	}
	tr := s.newTransaction(tx, &u, a.knownBrowser, returnTo)
	secret := tx.Op.Secret("login")
	if err := s.PutTransaction(tx, secret, tr); err != nil {
		return nil, err
	}
	return &passwordResult{TransactionRef: TransactionRef{secret, s.Next(&tr, &u, now)}}, nil
}

// countFailure counts one failed attempt against where it came from.
func (s *Service) countFailure(tx *account.Tx, known bool) error {
	if known {
		return nil
	}
	for _, l := range s.sourceLimits(tx.Op) {
		if _, err := s.Accounts.Limiter.Take(tx.Raw, tx.Op.Now, l.limit, l.subject); err != nil {
			return fmt.Errorf("counting against limit %s: %w", l.limit.Name, err)
		}
	}
	return nil
}

// auditPassword writes a failed password down: by person, or for names that nobody has as one event a minute
// and source. What was typed is not kept (PROTOCOL 18).
func (s *Service) auditPassword(tx *account.Tx, u *account.User, found bool) error {
	if found {
		reason := "wrong password"
		if u.Status != account.StatusActive {
			reason = "not active: " + string(u.Status)
		}
		return tx.AuditUser(u, audit.SessionStart, audit.Failure, reason)
	}
	first, err := s.Accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnknownNames, throttle.Address(tx.Op.Request.Address))
	if err != nil {
		return fmt.Errorf("counting unknown names: %w", err)
	}
	if !first.OK {
		return nil
	}
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.UnknownName, Outcome: audit.Failure})
}

// URL is a path of ours as a link.
func (s *Service) URL(path string) string { return s.Accounts.Policy.PublicURL + path }

// recordPassword counts a password that was judged: a right one ends the row of wrong ones, a wrong one is counted for
// the person or ghost and where it came from. The one place for every door that a stranger may knock at.
func (s *Service) recordPassword(tx *account.Tx, a passwordAttempt, right bool) error {
	f, err := s.Accounts.Failures.Get(tx.Raw, a.failureID)
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	count := f.WithFailure
	if right {
		count = f.WithSuccess
	}
	if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, a.failureID, count(tx.Op.Now, throttle.Password, a.knownBrowser)); err != nil {
		return fmt.Errorf("counting a password: %w", err)
	}
	if right {
		return nil
	}
	return s.countFailure(tx, a.knownBrowser)
}
