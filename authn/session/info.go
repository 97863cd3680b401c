package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/store"
)

// Bearer is a live session as whoever acts for it elsewhere knows it: an application that was given tokens. It is
// found by the key of the session's record, which opens nothing.
type Bearer struct {
	Session             string // the key
	ID                  string // the session's public name
	User                account.UserID
	Epoch               uint64
	Login               string
	Groups              []account.GroupID
	Since               time.Time // of the sign-in
	Until               time.Time // when it is over at the latest
	StepUpAt            time.Time // when a device was last proven for an act, a recovery code or a new device not counted; zero: never
	PhishingResistantAt time.Time // when what withstands phishing was last proven, at the sign-in or for an act; zero: never
	AMR                 []string  // of the sign-in and of every such proof
}

// Lookup reads a session by the key of its record, within the snapshot or change of r; NoSession when it is not
// alive.
func (s *Service) Lookup(r store.Reader, session string, now time.Time) (Bearer, error) {
	if session == "" {
		return Bearer{}, errcode.New(errcode.NoSession)
	}
	ses, err := s.sessions.Get(r, session)
	var st account.Summary
	if err == nil {
		st, err = s.Accounts.Summary(r, ses.User)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errcode.Of(err) == errcode.NotFound:
		return Bearer{}, errcode.New(errcode.NoSession)
	case err != nil:
		return Bearer{}, fmt.Errorf("reading a session: %w", err)
	case !s.alive(&ses, &st, session, now):
		return Bearer{}, errcode.New(errcode.NoSession)
	}
	b := Bearer{Session: session, ID: account.SessionID(session), User: ses.User, Epoch: ses.Epoch, Login: st.Login, Groups: st.Groups,
		Since: ses.Created, Until: ses.Created.Add(s.Accounts.Policy.SessionMax), PhishingResistantAt: ses.LastPhishingResistant(), AMR: ses.AMR}
	if !ses.StepUp.EnrolOnly {
		b.StepUpAt = ses.StepUp.At
	}
	return b, nil
}

// IsListed tells whether the person's record still lists a session of that key. One that somebody ended is not
// listed; one that is merely over is, until a later sign-in of the person finds its longest time past.
func (s *Service) IsListed(r store.Reader, id account.UserID, session string) (bool, error) {
	u, err := s.Accounts.User(r, id)
	if errcode.Of(err) == errcode.NotFound {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(u.Sessions, func(ref account.SessionRef) bool { return ref.Hash == session }), err
}
