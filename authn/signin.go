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

// passwordAttempt is the user that an identifier names and the limits that apply, as read in one View.
type passwordAttempt struct {
	user         account.User
	found        bool
	knownBrowser bool // the request comes from a known browser of the user
	failureID    throttle.FailureID
	wait         time.Duration
}

// StartWithPassword verifies an identifier and password and starts a transaction. Every failure returns
// SignInFailed, or RateLimited above the limits. Known and unknown identifiers cost the same work: one View, one
// hash, one Update.
func (s *Service) StartWithPassword(ctx context.Context, req account.RequestInfo, identifier, password string) (TransactionRef, error) {
	return s.startWithPassword(ctx, req, identifier, password, func(*account.User) bool { return true })
}

// startWithPassword is StartWithPassword for the users for which visible returns true. It treats other users as
// unknown.
func (s *Service) startWithPassword(ctx context.Context, req account.RequestInfo, identifier, password string,
	visible func(*account.User) bool) (TransactionRef, error) {
	name, ok := account.NormalizeLogin(identifier)
	if !ok {
		// No login begins with a zero byte. The hash gives the same unknown login each time, in the length of a login.
		name = "\x00" + secret.From(identifier).Hash()
	}
	var out passwordResult
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		a, err := s.newPasswordAttempt(ctx, op, name, visible)
		if err != nil {
			return false, err
		}
		if a.wait > 0 {
			out = passwordResult{wait: a.wait}
			return true, nil
		}
		done, err := s.tryPassword(ctx, op, a, password)
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

// tryPassword verifies a password outside a transaction and stores the result. It returns nil if the password is no
// longer the verified one.
func (s *Service) tryPassword(ctx context.Context, op *account.Operation, a passwordAttempt,
	password string) (*passwordResult, error) {
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
		// If the queue is full, another sign-in renews the hash.
		newHash, _ = s.Accounts.Hasher.Hash(ctx, a.knownBrowser, password)
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*passwordResult, error) {
		return s.storePassword(tx, a, right && a.user.Status == account.StatusActive, newHash)
	})
	if err != nil {
		return nil, fmt.Errorf("storing a sign-in: %w", err)
	}
	return out, nil
}

// passwordResult is the stored result of a password attempt.
type passwordResult struct {
	TransactionRef
	code errcode.Code
	wait time.Duration
}

// err returns the result as an error. Call it only after the result is stored.
func (o passwordResult) err() error {
	switch {
	case o.wait > 0:
		return errcode.RateLimit(o.wait)
	case o.code != "":
		return errcode.New(o.code)
	}
	return nil
}

// newPasswordAttempt reads the user that name means and the wait before a password may be verified.
func (s *Service) newPasswordAttempt(ctx context.Context, op *account.Operation, name string,
	visible func(*account.User) bool) (passwordAttempt, error) {
	var a passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		a = passwordAttempt{}
		u, err := r.UserByAddress(name)
		switch {
		case errcode.Of(err) == errcode.NotFound, err == nil && !visible(&u):
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
		return a, fmt.Errorf("looking up the user: %w", err)
	}
	return a, nil
}

// passwordWait returns how long the client must wait before a password is verified; 0 means now. Failures are
// counted by address, by network, and by user or unknown login (protocol rule 18). A known browser has its own
// budget.
func (s *Service) passwordWait(r store.Reader, op *account.Operation, a passwordAttempt) (time.Duration, error) {
	if !a.knownBrowser {
		v, err := s.Accounts.Limiter.PeekAll(r, op.Now, s.sourceLimits(op)...)
		if err != nil {
			return 0, fmt.Errorf("reading the limits of a source: %w", err)
		}
		if !v.OK {
			return max(v.Retry, time.Second), nil
		}
	}
	f, err := s.Accounts.Failures.Get(r, a.failureID)
	if err != nil {
		return 0, fmt.Errorf("reading failures: %w", err)
	}
	if ok, until := f.Allowed(op.Now, throttle.Password, a.knownBrowser); !ok {
		return max(until.Sub(op.Now), time.Second), nil
	}
	return 0, nil
}

// sourceLimits returns the limits of failures by address and by network.
func (s *Service) sourceLimits(op *account.Operation) []throttle.Charge {
	return throttle.ByAddress(throttle.LoginAddress, throttle.LoginNetwork, op.Request.Address)
}

// storePassword stores the result of a password attempt. It reads the limits again, because other attempts may run
// at the same time. It returns nil if the password is no longer the verified one (protocol rule 32).
func (s *Service) storePassword(tx *account.Tx, a passwordAttempt, right bool,
	newHash string) (*passwordResult, error) {
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
			return nil, nil // changed or rehashed by a concurrent sign-in: verify again, do not count
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
	tr := s.newTransaction(tx, &u, a.knownBrowser)
	transaction := tx.Op.Secret("transaction")
	if err := s.PutTransaction(tx, transaction, tr); err != nil {
		return nil, err
	}
	return &passwordResult{TransactionRef: TransactionRef{transaction, s.Next(&tr, &u, now)}}, nil
}

// countFailure counts a failed attempt for its address and network.
func (s *Service) countFailure(tx *account.Tx, known bool) error {
	if known {
		return nil
	}
	if _, err := s.Accounts.Limiter.TakeAll(tx.Raw, tx.Op.Now, s.sourceLimits(tx.Op)...); err != nil {
		return fmt.Errorf("counting a failure of a source: %w", err)
	}
	return nil
}

// auditPassword records a failed password: by user, or for all unknown logins together. The typed login is not stored
// (protocol rule 18).
func (s *Service) auditPassword(tx *account.Tx, u *account.User, found bool) error {
	if found {
		reason := audit.WrongPassword
		if u.Status != account.StatusActive {
			reason = "not active: " + string(u.Status)
		}
		return tx.AuditUser(u, audit.SessionStart, audit.Failure, reason)
	}
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.UnknownName, Outcome: audit.Failure})
}

// URL returns the public URL of a path of the service.
func (s *Service) URL(path string) string { return s.Accounts.Policy.PublicURL + path }

// recordPassword counts a verified password. A correct one ends the streak of failures; a wrong one counts for the
// user or unknown login and for its source. Every endpoint that accepts a password from an unauthenticated client
// calls it.
func (s *Service) recordPassword(tx *account.Tx, a passwordAttempt, right bool) error {
	f, err := s.Accounts.Failures.Get(tx.Raw, a.failureID)
	if err != nil {
		return fmt.Errorf("reading failures: %w", err)
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
