package authn

import (
	"context"
	"errors"
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

// TransactionRef is a login that has begun: its secret goes into a cookie of its own.
type TransactionRef struct {
	Secret secret.Value
	Step   Step
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
		c, err := s.newPasswordAttempt(ctx, op, name, sees)
		if err != nil {
			return false, err
		}
		if c.wait > 0 {
			out = passwordResult{wait: c.wait}
			return true, nil
		}
		done, err := s.tryPassword(ctx, op, c, password, returnTo)
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
func (s *Service) tryPassword(ctx context.Context, op *account.Operation, c passwordAttempt, password, returnTo string) (*passwordResult, error) {
	phc := ""
	if c.found {
		phc = c.user.Password.Hash
	}
	right, rehash, err := s.Accounts.Hasher.Verify(ctx, c.knownBrowser, phc, password)
	if err != nil {
		return nil, fmt.Errorf("verifying a password: %w", err)
	}
	newPHC := ""
	if right && rehash && c.user.Status == account.StatusActive {
		// A hash that cannot be renewed now (the pool is full) is renewed at another sign-in.
		newPHC, _ = s.Accounts.Hasher.Hash(ctx, c.knownBrowser, password)
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*passwordResult, error) {
		return s.storePassword(tx, c, right && c.user.Status == account.StatusActive, newPHC, returnTo)
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
	var c passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		c = passwordAttempt{}
		u, err := r.UserByAddress(name)
		switch {
		case errcode.Of(err) == errcode.NotFound, err == nil && !sees(&u):
			c.failureID = s.Accounts.Failures.UnknownLoginID(name)
		case err != nil:
			return err
		default:
			c.user, c.found, c.failureID = u, true, s.Accounts.FailureID(u.ID)
			c.knownBrowser = u.KnowsBrowser(op.Request.Browser, op.Now)
		}
		c.wait, err = s.passwordWait(r.Raw, op, c)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("looking up who signs in: %w", err)
	}
	return c, nil
}

// maxWait tells how long to wait before a password is judged; 0: now. Failures are counted by address and
// network, and by person or ghost (PROTOCOL 18). A known browser has its own budget of both.
func (s *Service) passwordWait(r store.Reader, op *account.Operation, c passwordAttempt) (time.Duration, error) {
	if !c.knownBrowser {
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
	f, err := s.Accounts.Failures.Get(r, c.failureID)
	if err != nil {
		return 0, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := f.Allowed(op.Now, throttle.Password, c.knownBrowser); !ok {
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
func (s *Service) storePassword(tx *account.Tx, c passwordAttempt, right bool, newPHC, returnTo string) (*passwordResult, error) {
	now := tx.Op.Now
	wait, err := s.passwordWait(tx.Raw, tx.Op, c)
	if err != nil || wait > 0 {
		return &passwordResult{wait: wait}, err
	}
	var u account.User
	if c.found {
		if u, err = tx.User(c.user.ID); err != nil {
			return nil, err
		}
		if u.Password.Hash != c.user.Password.Hash {
			return nil, nil // hashed anew by a sign-in of the same moment, or changed: it is judged again, not counted
		}
		right = right && u.Status == account.StatusActive
	}
	if err := s.recordPassword(tx, c, right); err != nil {
		return nil, err
	}
	if !right {
		return &passwordResult{code: errcode.SignInFailed}, s.auditPassword(tx, &u, c.found)
	}
	if newPHC != "" {
		u.Password.Hash = newPHC
		if err := tx.Save(&u); err != nil {
			return nil, err
		}
	}
	login := s.newTransaction(tx, &u, c.knownBrowser, returnTo)
	secret := tx.Op.Secret("login")
	if err := s.PutTransaction(tx, secret, login); err != nil {
		return nil, err
	}
	return &passwordResult{TransactionRef: TransactionRef{secret, s.Next(&login, &u, now)}}, nil
}

// newTransaction is a login that stands where the person stands now.
func (s *Service) newTransaction(tx *account.Tx, u *account.User, known bool, returnTo string) Transaction {
	now := tx.Op.Now
	l := Transaction{ID: tx.Op.ID("login"), User: u.ID, PasswordEpoch: u.PasswordEpoch, Epoch: u.Epoch, Resets: u.Resets,
		Program: tx.Op.Request.APIToken, KnownBrowser: known, ReturnTo: returnTo, Started: now, Expires: now.Add(account.TransactionTTL)}
	if l.Program != "" {
		l.Expires = now.Add(APISignInTTL)
	}
	return l
}

func (s *Service) PutTransaction(tx *account.Tx, secret secret.Value, l Transaction) error {
	if err := s.transactions.Put(tx.Raw, secret.Hash(), l); err != nil {
		return fmt.Errorf("storing a login: %w", err)
	}
	return nil
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

// LoadTransaction loads a login under way and its person within one run; Expired when it is gone or dead, or a program's.
func (s *Service) LoadTransaction(r account.Reader, secret secret.Value, now time.Time) (Transaction, account.User, Step, error) {
	return s.loadCached(r, secret, now, &transactionCache{})
}

// transactionCache is a login and its person as they were read, so that the Update which stores a judgement need not open
// again what has not changed since: all Updates wait for one another.
type transactionCache struct {
	apiToken    string // the API token whose logins alone are found; "": those of browsers (PROTOCOL 25)
	transaction store.Cached[Transaction]
	user        store.Cached[account.User]
}

func (s *Service) loadCached(r account.Reader, secret secret.Value, now time.Time, kept *transactionCache) (Transaction, account.User, Step, error) {
	if secret.IsZero() {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	l, err := s.transactions.GetCached(r.Raw, secret.Hash(), &kept.transaction)
	if errors.Is(err, store.ErrNotFound) || err == nil && l.Program != kept.apiToken {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, StepExpired, fmt.Errorf("loading a login: %w", err)
	}
	u, err := r.UserCached(l.User, &kept.user)
	if errcode.Of(err) == errcode.NotFound {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, StepExpired, err
	}
	step := s.Next(&l, &u, now)
	if step == StepExpired {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	return l, u, step, nil
}
