package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/store"
)

// Started is a login that has begun: its secret goes into a cookie of its own.
type Started struct {
	Login Secret
	Step  Step
}

// candidate is who an identifier may mean, as one View found them.
type candidate struct {
	user   User
	found  bool
	known  bool // from a known browser of the person
	counts string
	wait   time.Duration
}

// Password judges an identifier and password. Whatever fails, the answer is CodeSignIn or, past the limits,
// CodeWait; strangers and known people cost the same work: one View, one hash, one Update.
func (s *Service) Password(ctx context.Context, from Origin, identifier, password, returnTo string) (Started, error) {
	return s.password(ctx, from, identifier, password, returnTo, func(*User) bool { return true })
}

// password is Password for whoever sees these people only: anybody else is a stranger to them.
func (s *Service) password(ctx context.Context, from Origin, identifier, password, returnTo string, sees func(*User) bool) (Started, error) {
	name, ok := Address(identifier)
	if !ok {
		// Nobody's, the same ghost whenever it is typed, and short enough to be looked up like a name.
		name = "\x00" + SecretOf(identifier).Hash()
	}
	var out signedIn
	err := again(ctx, func() (bool, error) {
		a := s.NewAct(from)
		c, err := s.candidate(ctx, a, name, sees)
		if err != nil {
			return false, err
		}
		if c.wait > 0 {
			out = signedIn{wait: c.wait}
			return true, nil
		}
		done, err := s.tryPassword(ctx, a, c, password, returnTo)
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	if err != nil {
		return Started{}, err
	}
	return out.Started, out.refused()
}

// tryPassword judges a password outside any transaction and stores the outcome; nil when the password is no
// longer the one that was judged.
func (s *Service) tryPassword(ctx context.Context, a *Act, c candidate, password, returnTo string) (*signedIn, error) {
	phc := ""
	if c.found {
		phc = c.user.Password.PHC
	}
	right, rehash, err := s.Passwords.Verify(ctx, c.known, phc, password)
	if err != nil {
		return nil, fmt.Errorf("verifying a password: %w", err)
	}
	newPHC := ""
	if right && rehash && c.user.Status == StatusActive {
		// A hash that cannot be renewed now (the pool is full) is renewed at another sign-in.
		newPHC, _ = s.Passwords.Hash(ctx, c.known, password)
	}
	out, err := Do(ctx, s, a, func(w *Work) (*signedIn, error) {
		return w.storePassword(c, right && c.user.Status == StatusActive, newPHC, returnTo)
	})
	if err != nil {
		return nil, fmt.Errorf("storing a sign-in: %w", err)
	}
	return out, nil
}

// signedIn is what a password attempt was stored as.
type signedIn struct {
	Started
	code Code
	wait time.Duration
}

// refused is the outcome as an error, only after it was stored.
func (o signedIn) refused() error {
	switch {
	case o.wait > 0:
		return Wait(o.wait)
	case o.code != "":
		return Refuse(o.code)
	}
	return nil
}

// candidate looks up who is meant and whether an attempt may be judged at all.
func (s *Service) candidate(ctx context.Context, a *Act, name string, sees func(*User) bool) (candidate, error) {
	var c candidate
	err := s.View(ctx, func(r Reader) error {
		c = candidate{}
		u, err := r.UserByAddress(name)
		switch {
		case CodeOf(err) == CodeNotFound, err == nil && !sees(&u):
			c.counts = s.Guesses.GhostID(name)
		case err != nil:
			return err
		default:
			c.user, c.found, c.counts = u, true, s.guessID(u.ID)
			c.known = u.knows(a.From.Browser, a.Now)
		}
		c.wait, err = s.mayTry(r.r, a, c)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("looking up who signs in: %w", err)
	}
	return c, nil
}

// mayTry tells how long to wait before a password is judged; 0: now. Failures are counted by address and
// network, and by person or ghost (PROTOCOL 18). A known browser has its own budget of both.
func (s *Service) mayTry(r store.Reader, a *Act, c candidate) (time.Duration, error) {
	if !c.known {
		for _, l := range s.sources(a) {
			v, err := s.Limiter.Peek(r, a.Now, l.limit, l.subject)
			if err != nil {
				return 0, fmt.Errorf("reading limit %s: %w", l.limit.Name, err)
			}
			if !v.OK {
				return max(v.Retry, time.Second), nil
			}
		}
	}
	g, err := s.Guesses.Get(r, c.counts)
	if err != nil {
		return 0, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := g.May(a.Now, throttle.Password, c.known); !ok {
		return max(until.Sub(a.Now), time.Second), nil
	}
	return 0, nil
}

type source struct {
	limit   throttle.Limit
	subject string
}

func (s *Service) sources(a *Act) []source {
	return []source{{throttle.LoginAddress, throttle.Address(a.From.Address)},
		{throttle.LoginNetwork, throttle.Network(a.From.Address)}}
}

// storePassword stores what a password attempt came to. The limits are judged once more, for others may have
// tried at the same moment; nil when the password is no longer the one that was judged (PROTOCOL 32).
func (w *Work) storePassword(c candidate, right bool, newPHC, returnTo string) (*signedIn, error) {
	now := w.Act.Now
	wait, err := w.s.mayTry(w.Tx, w.Act, c)
	if err != nil || wait > 0 {
		return &signedIn{wait: wait}, err
	}
	var u User
	if c.found {
		if u, err = w.User(c.user.ID); err != nil {
			return nil, err
		}
		if u.Password.PHC != c.user.Password.PHC {
			return nil, nil // hashed anew by a sign-in of the same moment, or changed: it is judged again, not counted
		}
		right = right && u.Status == StatusActive
	}
	if err := w.countPassword(c, right); err != nil {
		return nil, err
	}
	if !right {
		return &signedIn{code: CodeSignIn}, w.auditPassword(&u, c.found)
	}
	if newPHC != "" {
		u.Password.PHC = newPHC
		if err := w.Save(&u); err != nil {
			return nil, err
		}
	}
	login := w.newLogin(&u, c.known, returnTo)
	secret := w.Act.Secret("login")
	if err := w.putLogin(secret, login); err != nil {
		return nil, err
	}
	return &signedIn{Started: Started{secret, w.s.Next(&login, &u, now)}}, nil
}

// newLogin is a login that stands where the person stands now.
func (w *Work) newLogin(u *User, known bool, returnTo string) Login {
	now := w.Act.Now
	l := Login{ID: w.Act.ID("login"), User: u.ID, PasswordEpoch: u.PasswordEpoch, Epoch: u.Epoch, Resets: u.Resets,
		Program: w.Act.From.Program, Known: known, ReturnTo: returnTo, Started: now, Expires: now.Add(LoginLife)}
	if l.Program != "" {
		l.Expires = now.Add(StateLife)
	}
	return l
}

func (w *Work) putLogin(secret Secret, l Login) error {
	if err := w.s.logins.Put(w.Tx, secret.Hash(), l); err != nil {
		return fmt.Errorf("storing a login: %w", err)
	}
	return nil
}

// countFailure counts one failed attempt against where it came from.
func (w *Work) countFailure(known bool) error {
	if known {
		return nil
	}
	for _, l := range w.s.sources(w.Act) {
		if _, err := w.s.Limiter.Take(w.Tx, w.Act.Now, l.limit, l.subject); err != nil {
			return fmt.Errorf("counting against limit %s: %w", l.limit.Name, err)
		}
	}
	return nil
}

// auditPassword writes a failed password down: by person, or for names that nobody has as one event a minute
// and source. What was typed is not kept (PROTOCOL 18).
func (w *Work) auditPassword(u *User, found bool) error {
	if found {
		reason := "wrong password"
		if u.Status != StatusActive {
			reason = "not active: " + string(u.Status)
		}
		return w.AuditUser(u, audit.SessionStart, audit.Failure, reason)
	}
	first, err := w.s.Limiter.Take(w.Tx, w.Act.Now, throttle.UnknownNames, throttle.Address(w.Act.From.Address))
	if err != nil {
		return fmt.Errorf("counting unknown names: %w", err)
	}
	if !first.OK {
		return nil
	}
	return w.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.UnknownName, Outcome: audit.Failure})
}

// login loads a login under way and its person within one run; CodeExpired when it is gone or dead, or a program's.
func (r Reader) login(secret Secret, now time.Time) (Login, User, Step, error) {
	return r.loginKept(secret, now, &reading{})
}

// reading is a login and its person as they were read, so that the Update which stores a judgement need not open
// again what has not changed since: all Updates wait for one another.
type reading struct {
	program string // the API token whose logins alone are found; "": those of browsers (PROTOCOL 25)
	login   store.Kept[Login]
	user    store.Kept[User]
}

func (r Reader) loginKept(secret Secret, now time.Time, kept *reading) (Login, User, Step, error) {
	if secret.Empty() {
		return Login{}, User{}, StepOver, Refuse(CodeExpired)
	}
	l, err := r.s.logins.GetKept(r.r, secret.Hash(), &kept.login)
	if errors.Is(err, store.ErrNotFound) || err == nil && l.Program != kept.program {
		return Login{}, User{}, StepOver, Refuse(CodeExpired)
	}
	if err != nil {
		return Login{}, User{}, StepOver, fmt.Errorf("loading a login: %w", err)
	}
	u, err := r.userKept(l.User, &kept.user)
	if CodeOf(err) == CodeNotFound {
		return Login{}, User{}, StepOver, Refuse(CodeExpired)
	}
	if err != nil {
		return Login{}, User{}, StepOver, err
	}
	step := r.s.Next(&l, &u, now)
	if step == StepOver {
		return Login{}, User{}, StepOver, Refuse(CodeExpired)
	}
	return l, u, step, nil
}
