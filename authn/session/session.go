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

// Browser is a browser that somebody completed a sign-in on.
type Browser struct {
	Since  time.Time `json:"since"`
	Shared bool      `json:"shared,omitempty"`
}

// Service stores sessions, known browsers and forward-auth sessions.
type Service struct {
	Accounts *account.Service
	Uptime   func() time.Duration // how long the process has run, independent of the wall clock; nil: not known

	sessions store.Table[account.Session]
	browsers store.Table[Browser]
	forwards store.Table[ForwardSession]
	lastSeen lastSeenCache
	ages     monotonicAges
}

// New returns the sessions of the users of accounts. uptime may be nil.
func New(accounts *account.Service, ring *store.Keyring, uptime func() time.Duration) *Service {
	return &Service{Accounts: accounts, Uptime: uptime,
		sessions: store.NewTable[account.Session](ring, store.Sessions),
		browsers: store.NewTable[Browser](ring, store.Browsers),
		forwards: store.NewTable[ForwardSession](ring, store.Forwards)}
}

// active tells whether the session still stands for the person at a door. A program's never does (PROTOCOL 25).
func (s *Service) active(ses *account.Session, st *account.Summary, hash string, now time.Time) bool {
	return ses.APIToken == "" && s.listed(ses, st, hash, now)
}

// listed is alive for lists, whatever opened the session.
func (s *Service) listed(ses *account.Session, st *account.Summary, hash string, now time.Time) bool {
	seen := ses.LastSeen
	if t := s.lastSeen.get(hash); t.After(seen) {
		seen = t
	}
	return ses.OpenAt(st, &s.Accounts.Policy, seen, now) && !s.ages.expired(hash, s.uptime(), s.Accounts.Policy)
}

// Authenticate returns the session of a secret; NoSession if there is none. It reads two records and waits for no write.
func (s *Service) Authenticate(ctx context.Context, secret secret.Value) (Info, error) {
	if secret.IsZero() {
		return Info{}, errcode.New(errcode.NoSession)
	}
	var info Info
	err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		info, err = s.use(r.Raw, secret.Hash(), s.Accounts.Now())
		return err
	})
	return info, err
}

// Load loads a live session and its person within one run.
func (s *Service) Load(r account.Reader, secret secret.Value, now time.Time) (account.Session, account.User, error) {
	if secret.IsZero() {
		return account.Session{}, account.User{}, errcode.New(errcode.NoSession)
	}
	return s.loadByHash(r, secret.Hash(), now)
}

// loadByHash is session for one that is known by its hash.
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
	if st := u.Summarize(); !s.active(&ses, &st, hash, now) {
		return account.Session{}, account.User{}, errcode.New(errcode.NoSession)
	}
	return ses, u, nil
}

// Credentials is what the browser gets at the end of a sign-in, or when its session is re-issued.
type Credentials struct {
	Session secret.Value
	Browser secret.Value // the known-browser cookie; empty: keep the one there is
}

// Open signs the person in within this change: the session, its place in the person's list, the known
// browser. The caller saves the person. amr names what was proven; notice tells of a browser never seen.
func (s *Service) Open(tx *account.Tx, u *account.User, amr []string, proof account.StepUp, notice bool) (Credentials, error) {
	now, req := tx.Op.Now, tx.Op.Request
	if req.APIToken != "" {
		return s.openAPISession(tx, u, amr)
	}
	out := Credentials{Session: tx.Op.Secret("session")}
	browser, err := s.trackBrowser(tx, u, notice)
	if err != nil {
		return Credentials{}, err
	}
	if !browser.Equal(req.Browser) {
		out.Browser = browser
	}
	ses := account.Session{User: u.ID, Epoch: u.Epoch, Created: now, LastSeen: now, AMR: amr, Browser: browser.Hash(),
		Address: req.ClientAddress(), Agent: req.Agent, StepUp: proof}
	u.LastLogin = now
	return out, s.startSession(tx, u, out.Session, ses)
}

// startSession stores the session that a sign-in ends with, and tells of it.
func (s *Service) startSession(tx *account.Tx, u *account.User, secret secret.Value, ses account.Session) error {
	if err := s.putSession(tx, u, secret, ses); err != nil {
		return err
	}
	tx.AddActivity(u, audit.SessionStart, "")
	return tx.AuditUser(u, audit.SessionStart, audit.Success, "")
}

// putSession stores a session under a new secret and lists it; the oldest one beyond the limit ends.
func (s *Service) putSession(tx *account.Tx, u *account.User, secret secret.Value, ses account.Session) error {
	hash := secret.Hash()
	// Those whose time is over are swept by themselves; here they would only lengthen the record.
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r account.SessionRef) bool {
		return !tx.Op.Now.Before(r.Since.Add(s.Accounts.Policy.SessionMax))
	})
	for len(u.Sessions) >= account.MaxSessions {
		if err := s.sessions.Delete(tx.Raw, u.Sessions[0].Hash); err != nil {
			return fmt.Errorf("ending the oldest session: %w", err)
		}
		u.Sessions = u.Sessions[1:]
	}
	u.Sessions = append(u.Sessions, account.SessionRef{Hash: hash, Since: ses.Created})
	if err := s.sessions.Put(tx.Raw, hash, ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// trackBrowser makes the browser known to the person. A cookie counts only when we gave it out: a planted
// value would make a guesser's browser known.
func (s *Service) trackBrowser(tx *account.Tx, u *account.User, message bool) (secret.Value, error) {
	now, value := tx.Op.Now, tx.Op.Request.Browser
	known := false
	if !value.IsZero() {
		_, err := s.browsers.Get(tx.Raw, value.Hash())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return secret.Value{}, fmt.Errorf("loading a browser: %w", err)
		}
		known = err == nil
	}
	if !known {
		value = tx.Op.Secret("browser")
		if err := s.browsers.Put(tx.Raw, value.Hash(), Browser{Since: now}); err != nil {
			return secret.Value{}, fmt.Errorf("storing a browser: %w", err)
		}
	}
	hash := value.Hash()
	u.Browsers = slices.Clone(u.Browsers)
	for i := range u.Browsers {
		if u.Browsers[i].Hash == hash {
			u.Browsers[i].Seen = now
			return value, nil
		}
	}
	first := len(u.Browsers) == 0
	if len(u.Browsers) >= account.MaxBrowsers {
		oldest := slices.IndexFunc(u.Browsers, func(b account.BrowserRef) bool {
			return !slices.ContainsFunc(u.Browsers, func(o account.BrowserRef) bool { return o.Seen.Before(b.Seen) })
		})
		u.Browsers = slices.Delete(u.Browsers, oldest, oldest+1)
	}
	u.Browsers = append(u.Browsers, account.BrowserRef{Hash: hash, Since: now, Seen: now})
	if message && !first {
		return value, tx.Notify(u, notice.NewBrowser{Context: tx.About(u)}, time.Time{})
	}
	return value, nil
}

// Rotate gives the session a new secret after the person's Epoch rose and ends every other one (PROTOCOL 2).
// What was pending in it stands on the old Epoch and is dropped.
func (s *Service) Rotate(tx *account.Tx, u *account.User, ses account.Session) (Credentials, error) {
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return Credentials{}, err
	}
	ses.Epoch, ses.LastSeen = u.Epoch, tx.Op.Now
	ses.Enrol, ses.Copying, ses.Ceremony = nil, nil, nil
	out := Credentials{Session: tx.Op.Secret("session")}
	return out, s.putSession(tx, u, out.Session, ses)
}

// openAPISession is Open for a program: no browser becomes known by it, and no act follows that a proof could
// be for.
func (s *Service) openAPISession(tx *account.Tx, u *account.User, amr []string) (Credentials, error) {
	now, req := tx.Op.Now, tx.Op.Request
	secret := tx.Op.Secret("session")
	u.LastLogin = now
	return Credentials{Session: secret}, s.startSession(tx, u, secret, account.Session{User: u.ID, Epoch: u.Epoch, Created: now, LastSeen: now, AMR: amr,
		APIToken: req.APIToken, Address: req.ClientAddress(), Agent: req.Agent})
}

func (s *Service) Put(tx *account.Tx, secret secret.Value, ses account.Session) error {
	if err := s.sessions.Put(tx.Raw, secret.Hash(), ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}
