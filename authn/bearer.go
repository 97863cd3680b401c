package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/store"
	"barillet/templates"
)

// Bearer is a live session as whoever acts for it elsewhere knows it: an application that was given tokens. It is
// found by the key of the session's record, which opens nothing.
type Bearer struct {
	Session string // the key
	ID      string // the session's public name
	User    UserID
	Epoch   uint64
	Login   string
	Groups  []GroupID
	Since   time.Time // of the sign-in
	Until   time.Time // when it is over at the latest
	Proven  time.Time // when a device was last proven for an act, a recovery code or a new device not counted; zero: never
	Keyed   time.Time // when what withstands phishing was last proven, at the sign-in or for an act; zero: never
	AMR     []string  // of the sign-in and of every such proof
}

// Bearer reads a session by the key of its record, within the snapshot or change of r; CodeNoSession when it is not
// alive.
func (s *Service) Bearer(r store.Reader, session string, now time.Time) (Bearer, error) {
	if session == "" {
		return Bearer{}, Refuse(CodeNoSession)
	}
	ses, err := s.sessions.Get(r, session)
	var st Standing
	if err == nil {
		st, err = s.standings.Get(r, string(ses.User))
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Bearer{}, Refuse(CodeNoSession)
	case err != nil:
		return Bearer{}, fmt.Errorf("reading a session: %w", err)
	case !s.alive(&ses, &st, session, now):
		return Bearer{}, Refuse(CodeNoSession)
	}
	b := Bearer{Session: session, ID: sessionID(session), User: ses.User, Epoch: ses.Epoch, Login: st.Login, Groups: st.Groups,
		Since: ses.Created, Until: ses.Created.Add(s.Policy.SessionMax), Keyed: ses.keyed(), AMR: ses.AMR}
	if !ses.Proof.Enrolling {
		b.Proven = ses.Proof.At
	}
	return b, nil
}

// Stands reads what may be judged about a person at every call; CodeNotFound when there is nobody.
func (s *Service) Stands(r store.Reader, id UserID) (Standing, error) {
	st, err := s.standings.Get(r, string(id))
	return st, missing(err, "standing", string(id))
}

// Person reads somebody within the snapshot or change of r; CodeNotFound when there is nobody.
func (s *Service) Person(r store.Reader, id UserID) (User, error) { return Reader{s, r}.User(id) }

// Listed tells whether the person's record still lists a session of that key. One that somebody ended is not
// listed; one that is merely over is, until a later sign-in of the person finds its longest time past.
func (s *Service) Listed(r store.Reader, id UserID, session string) (bool, error) {
	u, err := s.Person(r, id)
	if CodeOf(err) == CodeNotFound {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(u.Sessions, func(ref SessionRef) bool { return ref.Hash == session }), err
}

// Strong tells whether the person has a usable device that withstands phishing.
func (s *Service) Strong(u *User) bool {
	for _, d := range s.usable(u) {
		if s.Describe(d).Strong {
			return true
		}
	}
	return false
}

// DeviceSignedIn mails the person, in the change of tx, that a device of an application may now act for them.
func (s *Service) DeviceSignedIn(tx store.Tx, a *Act, id UserID, app string) error {
	w := &Work{Reader: Reader{s, tx}, Tx: tx, Act: a}
	u, err := w.User(id)
	if err != nil {
		return err
	}
	return w.Post(&u, templates.DeviceSignedInMail{About: w.About(&u), App: app}, time.Time{})
}

// AlsoIn runs what Also put into the context in a change that another package makes and that came to outcome.
func (s *Service) AlsoIn(ctx context.Context, tx store.Tx, a *Act, outcome any) error {
	w := &Work{Reader: Reader{s, tx}, Tx: tx, Act: a}
	return w.also(ctx, outcome)
}
