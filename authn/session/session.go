package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// Browser is the record of a browser on which a user completed a sign-in. Its key is the hash of the known-browser cookie.
type Browser struct {
	Since  time.Time      `cbor:"1,keyasint"`
	User   account.UserID `cbor:"2,keyasint"`           // the first one
	Shared bool           `cbor:"3,keyasint,omitempty"` // another user signed in, too (protocol rule 5)
	Users  int            `cbor:"4,keyasint"`           // for how many it is a known browser; the record ends with the last of them
}

// Service stores sessions, known browsers and forward-auth sessions.
type Service struct {
	Accounts *account.Service
	Uptime   func() time.Duration // how long the process has run, independent of the wall clock; may be nil

	sessions store.Table[account.Session] // also in account, which ends the sessions of a user
	browsers store.Table[Browser]
	forwards store.Table[ForwardSession]
	lastSeen lastSeenCache
	ages     monotonicAges
}

// New returns a service for the users of accounts. uptime may be nil; see Service.Uptime.
func New(accounts *account.Service, ring *store.Keyring, uptime func() time.Duration) *Service {
	return &Service{Accounts: accounts, Uptime: uptime,
		sessions: store.NewTable[account.Session](ring, store.Sessions),
		browsers: store.NewTable[Browser](ring, store.Browsers),
		forwards: store.NewTable[ForwardSession](ring, store.Forwards)}
}

// active reports whether the session authenticates requests. A session of an API sign-in does not (protocol rule 25).
func (s *Service) active(ses *account.Session, sum *account.Summary, hash string, now time.Time) bool {
	return ses.APIToken == "" && s.listed(ses, sum, hash, now)
}

// listed reports whether a list shows the session. It includes the sessions of API sign-ins.
func (s *Service) listed(ses *account.Session, sum *account.Summary, hash string, now time.Time) bool {
	return ses.OpenAt(sum, &s.Accounts.Policy, earlier(s.seen(ses, hash), now), now) && !s.ages.expired(hash, s.uptime(), s.Accounts.Policy)
}

// seen returns the last use of a session, which may be later than that of its record.
func (s *Service) seen(ses *account.Session, hash string) time.Time {
	if t := s.lastSeen.get(hash); t.After(ses.LastSeen) {
		return t
	}
	return ses.LastSeen
}

// Authenticate returns the session of a secret. It returns NoSession if there is none or it is not active. It reads two records
// and waits for no write.
func (s *Service) Authenticate(ctx context.Context, secret secret.Value) (Info, error) {
	if secret.IsZero() {
		return Info{}, errcode.New(errcode.NoSession)
	}
	var info Info
	err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		info, err = s.use(r.Raw, secret.Key(), s.Accounts.Now())
		return err
	})
	return info, err
}

// Load returns the record of an active session and its user, as r reads them; NoSession if the session is not active.
func (s *Service) Load(r account.Reader, secret secret.Value, now time.Time) (account.Session, account.User, error) {
	if secret.IsZero() {
		return account.Session{}, account.User{}, errcode.New(errcode.NoSession)
	}
	return s.loadByHash(r, secret.Key(), now)
}

// loadByHash is Load with the key of the record.
func (s *Service) loadByHash(r account.Reader, hash string, now time.Time) (account.Session, account.User, error) {
	ses, err := s.sessions.Get(r.Raw, hash)
	if errors.Is(err, store.ErrNotFound) {
		return account.Session{}, account.User{}, errcode.New(errcode.NoSession)
	}
	if err != nil {
		return account.Session{}, account.User{}, fmt.Errorf("loading a session: %w", err)
	}
	u, err := r.User(ses.User)
	if err != nil {
		return account.Session{}, account.User{}, err
	}
	if sum := u.Summarize(); !s.active(&ses, &sum, hash, now) {
		return account.Session{}, account.User{}, errcode.New(errcode.NoSession)
	}
	return ses, u, nil
}

// Credentials are the secrets that a browser receives at the end of a sign-in or when its session is rotated.
type Credentials struct {
	Session secret.Value
	Browser secret.Value // known-browser cookie; zero: keep the present one
}

// Open opens a session for the user and makes the browser known. amr are the authentication methods of the sign-in. If notify is
// true, the user is notified of a new browser. The caller saves the user.
func (s *Service) Open(tx *account.Tx, u *account.User, amr []string, stepUp account.StepUp, notify bool) (Credentials, error) {
	now, req := tx.Op.Now, tx.Op.Request
	if req.APIToken != "" {
		return s.openAPISession(tx, u, amr)
	}
	tx.AdoptLocale(u)
	out := Credentials{Session: tx.Op.Secret("session")}
	browser, shared, err := s.trackBrowser(tx, u, notify)
	if err != nil {
		return Credentials{}, err
	}
	if shared && stepUp.SignIn {
		stepUp = account.StepUp{}
	}
	if !browser.Equal(req.Browser) {
		out.Browser = browser
	}
	ses := account.Session{User: u.ID, Epoch: u.Epoch, Created: now, LastSeen: now, AMR: amr, Browser: browser.Key(),
		Address: req.ClientAddress(), Agent: req.Agent, StepUp: stepUp}
	u.LastLogin = now
	return out, s.startSession(tx, u, out.Session, ses)
}

// startSession stores the session of a sign-in, with its activity and audit event.
func (s *Service) startSession(tx *account.Tx, u *account.User, secret secret.Value, ses account.Session) error {
	if err := s.putSession(tx, u, secret, ses); err != nil {
		return err
	}
	tx.AddActivity(u, audit.SessionStart, "")
	return tx.AuditUser(u, audit.SessionStart, audit.Success, "")
}

// putSession stores a session under a new secret and lists it in the user. If the user has the maximum number of sessions, the
// oldest one ends.
func (s *Service) putSession(tx *account.Tx, u *account.User, secret secret.Value, ses account.Session) error {
	hash := secret.Key()
	// Sweeps delete the records of expired sessions, but not the references to them.
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r account.SessionRef) bool {
		return !tx.Op.Now.Before(r.Since.Add(s.Accounts.Policy.SessionMax))
	})
	for len(u.Sessions) >= account.MaxSessions {
		if err := s.sessions.Delete(tx.Raw, u.Sessions[0].Hash); err != nil {
			return fmt.Errorf("deleting the oldest session: %w", err)
		}
		u.Sessions = u.Sessions[1:]
	}
	u.Sessions = append(u.Sessions, account.SessionRef{Hash: hash, Since: ses.Created})
	if err := s.sessions.Put(tx.Raw, hash, ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// BrowserUser returns the first user who completed a sign-in on the browser with a cookie value; "" if it is not known.
func (s *Service) BrowserUser(ctx context.Context, value secret.Value) (user account.UserID, err error) {
	if value.IsZero() {
		return "", nil
	}
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		b, err := store.GetShared(s.browsers, r.Raw, value.Key())
		user = b.User
		_, err = store.Found(err)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("loading a browser: %w", err)
	}
	return user, nil
}

// trackBrowser makes the browser a known browser of the user and returns its cookie value. It replaces a value that the service did
// not issue, because an attacker could set a value that they know. shared reports whether it is the browser of several users.
func (s *Service) trackBrowser(tx *account.Tx, u *account.User, notify bool) (value secret.Value, shared bool, err error) {
	old := Browser{}
	value = tx.Op.Request.Browser
	known := !value.IsZero()
	if known {
		if old, err = store.GetShared(s.browsers, tx.Raw, value.Key()); err != nil && !errors.Is(err, store.ErrNotFound) {
			return secret.Value{}, false, fmt.Errorf("loading a browser: %w", err)
		}
		known = err == nil
	}
	b := old
	if known {
		b.Shared = b.Shared || b.User != u.ID
	} else {
		value, b = tx.Op.Secret("browser"), Browser{Since: tx.Op.Now, User: u.ID}
	}
	if hash := value.Key(); !slices.ContainsFunc(u.Browsers, func(ref account.BrowserRef) bool { return ref.Hash == hash }) {
		b.Users++
	}
	if b != old {
		if err := s.browsers.Put(tx.Raw, value.Key(), b); err != nil {
			return secret.Value{}, false, fmt.Errorf("storing a browser: %w", err)
		}
	}
	return value, b.Shared, s.knowBrowser(tx, u, value.Key(), notify)
}

// IsShared reports whether another user has signed in, too, in the browser of a hash (protocol rule 5). A browser without a record
// counts as shared.
func (s *Service) IsShared(r account.Reader, browser string) (bool, error) {
	b, err := store.GetShared(s.browsers, r.Raw, browser)
	switch {
	case browser == "", errors.Is(err, store.ErrNotFound):
		return true, nil
	case err != nil:
		return true, fmt.Errorf("loading a browser: %w", err)
	}
	return b.Shared, nil
}

// knowBrowser makes the browser with a hash a known browser of the user.
func (s *Service) knowBrowser(tx *account.Tx, u *account.User, hash string, notify bool) error {
	now := tx.Op.Now
	u.Browsers = slices.Clone(u.Browsers)
	for i := range u.Browsers {
		if u.Browsers[i].Hash == hash {
			u.Browsers[i].Seen = now
			return nil
		}
	}
	first := len(u.Browsers) == 0
	if len(u.Browsers) >= account.MaxBrowsers {
		oldest := slices.IndexFunc(u.Browsers, func(b account.BrowserRef) bool {
			return !slices.ContainsFunc(u.Browsers, func(o account.BrowserRef) bool { return o.Seen.Before(b.Seen) })
		})
		if err := s.forgetBrowser(tx, u.Browsers[oldest].Hash); err != nil {
			return err
		}
		u.Browsers = slices.Delete(u.Browsers, oldest, oldest+1)
	}
	u.Browsers = append(u.Browsers, account.BrowserRef{Hash: hash, Since: now, Seen: now})
	if notify && !first {
		return tx.Notify(u, notice.NewBrowser{Context: tx.About(u)}, time.Time{})
	}
	return nil
}

// forgetBrowser counts that a browser is no known browser of a user any more, and deletes the record after the last one.
func (s *Service) forgetBrowser(tx *account.Tx, hash string) error {
	b, err := s.browsers.Get(tx.Raw, hash)
	exists, err := store.Found(err)
	if !exists {
		return err
	}
	if b.Users--; b.Users > 0 {
		return s.browsers.Put(tx.Raw, hash, b)
	}
	return s.browsers.Delete(tx.Raw, hash)
}

// Rotate gives the session a new secret after the epoch of the user rose, and ends every other session (protocol rule 2). It drops
// pending enrolments and ceremonies, which belong to the old epoch.
func (s *Service) Rotate(tx *account.Tx, u *account.User, ses account.Session) (Credentials, error) {
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return Credentials{}, err
	}
	ses.Epoch, ses.LastSeen = u.Epoch, tx.Op.Now
	ses.Enrol, ses.Copying, ses.Ceremony = nil, nil, nil
	out := Credentials{Session: tx.Op.Secret("session")}
	return out, s.putSession(tx, u, out.Session, ses)
}

// openAPISession is Open for an API sign-in. It makes no browser known and has no step-up.
func (s *Service) openAPISession(tx *account.Tx, u *account.User, amr []string) (Credentials, error) {
	now, req := tx.Op.Now, tx.Op.Request
	secret := tx.Op.Secret("session")
	u.LastLogin = now
	return Credentials{Session: secret}, s.startSession(tx, u, secret, account.Session{User: u.ID, Epoch: u.Epoch, Created: now, LastSeen: now, AMR: amr,
		APIToken: req.APIToken, Address: req.ClientAddress(), Agent: req.Agent})
}

// Put stores the record of a session that was changed in this transaction.
func (s *Service) Put(tx *account.Tx, secret secret.Value, ses account.Session) error {
	if err := s.sessions.Put(tx.Raw, secret.Key(), ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}
