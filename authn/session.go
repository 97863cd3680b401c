package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/templates"
)

// Session is somebody signed in, kept below the hash of its secret.
type Session struct {
	User    UserID    `json:"user"`
	Epoch   uint64    `json:"epoch"`
	Created time.Time `json:"created"` // of the sign-in, also after the session was re-issued
	Seen    time.Time `json:"seen"`    // at most a minute behind
	AMR     []string  `json:"amr"`     // RFC 8176
	Browser string    `json:"browser"` // hash of the known browser that it lives on
	Shared  bool      `json:"shared,omitempty"`
	Program string    `json:"program,omitempty"` // id of the API token that it was opened by: no browser's, and worth nothing at any door
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`

	Proof    Proof      `json:"proof,omitzero"`
	Keyed    time.Time  `json:"keyed,omitzero"` // when what withstands phishing was last proven after the sign-in
	Ceremony *Ceremony  `json:"ceremony,omitempty"`
	Enrol    *Enrolment `json:"enrol,omitempty"`
	Copying  *Copying   `json:"copying,omitempty"`
}

// Proof is the last device proven for an act after the sign-in (PROTOCOL 5). Enrolling tells that it was a
// recovery code or a device just enrolled: it is good for adding devices and making codes, for nothing else.
type Proof struct {
	At        time.Time `json:"at"`
	Enrolling bool      `json:"enrolling,omitempty"`
}

// Browser is a browser that somebody completed a sign-in on.
type Browser struct {
	Since  time.Time `json:"since"`
	Shared bool      `json:"shared,omitempty"`
}

// Live is a session that was checked, with what its pages need of the person.
type Live struct {
	ID       string // public name, for lists and events
	User     UserID
	Login    string
	Name     string
	Email    string
	Locale   string
	Roles    []Role
	Groups   []GroupID
	Created  time.Time
	AMR      []string
	ProvenTo time.Time // until when the fresh proof counts; zero: none
}

// sessionID is the public name of a session: it finds nothing and opens nothing.
func sessionID(hash string) string { return hash[:16] }

// alive tells whether the session still stands for the person at a door. A program's never does (PROTOCOL 25).
func (s *Service) alive(ses *Session, st *Standing, hash string, now time.Time) bool {
	return ses.Program == "" && s.stands(ses, st, hash, now)
}

// stands is alive for lists, whatever opened the session.
func (s *Service) stands(ses *Session, st *Standing, hash string, now time.Time) bool {
	seen := ses.Seen
	if t := s.seen.of(hash); t.After(seen) {
		seen = t
	}
	return ses.Epoch == st.Epoch && st.Status == StatusActive &&
		now.Before(ses.Created.Add(s.Policy.SessionMax)) && now.Before(seen.Add(s.Policy.SessionIdle)) &&
		!now.Before(ses.Created.Add(-time.Hour)) && // a clock that was set back by more than that
		!s.ages.over(hash, s.ran(), s.Policy)
}

// Check finds out who a session belongs to. It reads two records and never waits for a write.
func (s *Service) Check(ctx context.Context, secret Secret) (Live, error) {
	if secret.Empty() {
		return Live{}, Refuse(CodeNoSession)
	}
	var live Live
	err := s.View(ctx, func(r Reader) (err error) {
		live, err = r.live(secret.Hash(), s.Now())
		return err
	})
	return live, err
}

// live finds out who the session below a hash belongs to; CodeNoSession when it is over.
func (r Reader) live(hash string, now time.Time) (Live, error) {
	ses, err := r.s.sessions.Get(r.r, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Live{}, Refuse(CodeNoSession)
	}
	if err != nil {
		return Live{}, fmt.Errorf("checking a session: %w", err)
	}
	st, err := r.s.standings.Get(r.r, string(ses.User))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Live{}, Refuse(CodeNoSession)
	case err != nil:
		return Live{}, fmt.Errorf("checking a session: %w", err)
	case !r.s.alive(&ses, &st, hash, now):
		return Live{}, Refuse(CodeNoSession)
	}
	r.s.ages.look(hash, r.s.ran(), now.Sub(ses.Created))
	if now.Sub(ses.Seen) >= time.Minute {
		r.s.seen.touch(hash, now.Round(0)) // by the clock alone; ages has the time that goes by
	}
	live := Live{ID: sessionID(hash), User: ses.User, Login: st.Login, Name: st.Name, Email: st.email(), Locale: st.Locale,
		Roles: st.Roles, Groups: st.Groups, Created: ses.Created, AMR: ses.AMR}
	if ses.Proof.fresh(now) && !ses.Proof.Enrolling {
		live.ProvenTo = ses.Proof.At.Add(ProofLife)
	}
	return live, nil
}

func (p Proof) fresh(now time.Time) bool {
	return !p.At.IsZero() && now.Before(p.At.Add(ProofLife)) && !now.Before(p.At.Add(-time.Minute))
}

// session loads a live session and its person within one run.
func (r Reader) session(secret Secret, now time.Time) (Session, User, error) {
	if secret.Empty() {
		return Session{}, User{}, Refuse(CodeNoSession)
	}
	return r.sessionAt(secret.Hash(), now)
}

// sessionAt is session for one that is known by its hash.
func (r Reader) sessionAt(hash string, now time.Time) (Session, User, error) {
	ses, err := r.s.sessions.Get(r.r, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Session{}, User{}, Refuse(CodeNoSession)
	}
	if err != nil {
		return Session{}, User{}, fmt.Errorf("loading a session: %w", err)
	}
	u, err := r.User(ses.User)
	if err != nil {
		return Session{}, User{}, err
	}
	if st := u.standing(); !r.s.alive(&ses, &st, hash, now) {
		return Session{}, User{}, Refuse(CodeNoSession)
	}
	return ses, u, nil
}

// Issued is what the browser gets at the end of a sign-in, or when its session is re-issued.
type Issued struct {
	Session Secret
	Browser Secret // the known-browser cookie; empty: keep the one there is
}

// openSession signs the person in within this change: the session, its place in the person's list, the known
// browser. The caller saves the person. amr names what was proven; notice tells of a browser never seen.
func (w *Work) openSession(u *User, amr []string, proof Proof, notice bool) (Issued, error) {
	now, from := w.Act.Now, w.Act.From
	if from.Program != "" {
		return w.openForProgram(u, amr)
	}
	out := Issued{Session: w.Act.Secret("session")}
	browser, err := w.adoptBrowser(u, notice)
	if err != nil {
		return Issued{}, err
	}
	if !browser.Same(from.Browser) {
		out.Browser = browser
	}
	ses := Session{User: u.ID, Epoch: u.Epoch, Created: now, Seen: now, AMR: amr, Browser: browser.Hash(),
		Address: from.address(), Agent: from.Agent, Proof: proof}
	u.LastLogin = now
	return out, w.startSession(u, out.Session, ses)
}

// startSession stores the session that a sign-in ends with, and tells of it.
func (w *Work) startSession(u *User, secret Secret, ses Session) error {
	if err := w.putSession(u, secret, ses); err != nil {
		return err
	}
	w.Remember(u, audit.SessionStart, "")
	return w.AuditUser(u, audit.SessionStart, audit.Success, "")
}

// putSession stores a session under a new secret and lists it; the oldest one beyond the limit ends.
func (w *Work) putSession(u *User, secret Secret, ses Session) error {
	hash := secret.Hash()
	// Those whose time is over are swept by themselves; here they would only lengthen the record.
	u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r SessionRef) bool {
		return !w.Act.Now.Before(r.Since.Add(w.s.Policy.SessionMax))
	})
	for len(u.Sessions) >= maxSessions {
		if err := w.s.sessions.Delete(w.Tx, u.Sessions[0].Hash); err != nil {
			return fmt.Errorf("ending the oldest session: %w", err)
		}
		u.Sessions = u.Sessions[1:]
	}
	u.Sessions = append(u.Sessions, SessionRef{Hash: hash, Since: ses.Created})
	if err := w.s.sessions.Put(w.Tx, hash, ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// adoptBrowser makes the browser known to the person. A cookie counts only when we gave it out: a planted
// value would make a guesser's browser known.
func (w *Work) adoptBrowser(u *User, notice bool) (Secret, error) {
	now, secret := w.Act.Now, w.Act.From.Browser
	known := false
	if !secret.Empty() {
		_, err := w.s.browsers.Get(w.Tx, secret.Hash())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return Secret{}, fmt.Errorf("loading a browser: %w", err)
		}
		known = err == nil
	}
	if !known {
		secret = w.Act.Secret("browser")
		if err := w.s.browsers.Put(w.Tx, secret.Hash(), Browser{Since: now}); err != nil {
			return Secret{}, fmt.Errorf("storing a browser: %w", err)
		}
	}
	hash := secret.Hash()
	u.Browsers = slices.Clone(u.Browsers)
	for i := range u.Browsers {
		if u.Browsers[i].Hash == hash {
			u.Browsers[i].Seen = now
			return secret, nil
		}
	}
	first := len(u.Browsers) == 0
	if len(u.Browsers) >= maxBrowsers {
		oldest := slices.IndexFunc(u.Browsers, func(b BrowserRef) bool {
			return !slices.ContainsFunc(u.Browsers, func(o BrowserRef) bool { return o.Seen.Before(b.Seen) })
		})
		u.Browsers = slices.Delete(u.Browsers, oldest, oldest+1)
	}
	u.Browsers = append(u.Browsers, BrowserRef{Hash: hash, Since: now, Seen: now})
	if notice && !first {
		return secret, w.Post(u, templates.NewBrowserMail{About: w.About(u)}, time.Time{})
	}
	return secret, nil
}

// knows tells whether the browser completed a sign-in of this person within the last 180 days.
func (u *User) knows(browser Secret, now time.Time) bool {
	if browser.Empty() {
		return false
	}
	hash := browser.Hash()
	return slices.ContainsFunc(u.Browsers, func(b BrowserRef) bool {
		return b.Hash == hash && now.Before(b.Seen.Add(BrowserLife))
	})
}

// EndSessions drops every session of the person but the one kept ("": none) and tells how many were alive.
func (w *Work) EndSessions(u *User, keep string) (int, error) {
	ended, st := 0, u.standing()
	var left []SessionRef
	for _, ref := range u.Sessions {
		if ref.Hash == keep {
			left = append(left, ref)
			continue
		}
		ses, err := w.s.sessions.Get(w.Tx, ref.Hash)
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return 0, fmt.Errorf("loading a session to end it: %w", err)
		case w.s.stands(&ses, &st, ref.Hash, w.Act.Now):
			ended++
		}
		if err := w.s.sessions.Delete(w.Tx, ref.Hash); err != nil {
			return 0, fmt.Errorf("ending a session: %w", err)
		}
	}
	u.Sessions = left
	return ended, nil
}

// reissue gives the session a new secret after the person's Epoch rose and ends every other one (PROTOCOL 2).
// What was pending in it stands on the old Epoch and is dropped.
func (w *Work) reissue(u *User, ses Session) (Issued, error) {
	if _, err := w.EndSessions(u, ""); err != nil {
		return Issued{}, err
	}
	ses.Epoch, ses.Seen = u.Epoch, w.Act.Now
	ses.Enrol, ses.Copying, ses.Ceremony = nil, nil, nil
	out := Issued{Session: w.Act.Secret("session")}
	return out, w.putSession(u, out.Session, ses)
}

// amrKey is the method of a security key, the one that withstands phishing (RFC 8176 section 2).
const amrKey = "hwk"

// keyed is when what withstands phishing was last proven, at the sign-in or after it; zero: never in this session. A
// code proven since then renews nothing of it.
func (ses *Session) keyed() time.Time {
	if ses.Keyed.IsZero() && slices.Contains(ses.AMR, amrKey) {
		return ses.Created
	}
	return ses.Keyed
}

// addAMR joins authentication methods, "mfa" once two different ones were shown (RFC 8176 section 2).
func addAMR(password bool, methods []string) []string {
	out := []string{}
	if password {
		out = append(out, "pwd")
	}
	for _, m := range append(methods, "mfa") {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
