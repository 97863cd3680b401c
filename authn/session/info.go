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

// Info describes an active session. It contains no credential.
type Info struct {
	Key     string // of the session's record; it authenticates nothing
	ID      string // public name, for lists and events
	User    account.UserID
	Epoch   uint64
	Login   string
	Name    string
	Email   string
	Locale  string
	Roles   []account.Role
	Groups  []account.GroupID
	Created time.Time // time of the sign-in
	Until   time.Time // latest end

	AMR                 []string  // of the sign-in and of each step-up (RFC 8176)
	StepUpAt            time.Time // last step-up, not by a recovery code, a new device or the sign-in; zero: none
	StepUpUntil         time.Time // end of the last step-up; zero: none, or it has ended
	PhishingResistantAt time.Time // last use of a phishing-resistant device, at the sign-in or later; zero: none
}

// PhishingResistant reports whether the session was authenticated by a security key (RFC 8176 §2, hwk).
func (i *Info) PhishingResistant() bool { return account.PhishingResistant(i.AMR) }

// Lookup returns the session of a record key, as r reads it. It returns NoSession if the session is not active.
func (s *Service) Lookup(r store.Reader, key string, now time.Time) (Info, error) {
	if key == "" {
		return Info{}, errcode.New(errcode.NoSession)
	}
	info, _, err := s.info(r, key, now)
	return info, err
}

// info returns a session and its record; NoSession if the session is not active.
func (s *Service) info(r store.Reader, key string, now time.Time) (Info, account.Session, error) {
	ses, err := store.GetShared(s.sessions, r, key)
	var sum account.Summary
	if err == nil {
		sum, err = s.Accounts.Reader(r).Summary(ses.User)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errcode.Of(err) == errcode.NotFound:
		return Info{}, ses, errcode.New(errcode.NoSession)
	case err != nil:
		return Info{}, ses, fmt.Errorf("loading session: %w", err)
	case !s.active(&ses, &sum, key, now):
		return Info{}, ses, errcode.New(errcode.NoSession)
	}
	i := Info{Key: key, ID: account.SessionID(key), User: ses.User, Epoch: ses.Epoch, Login: sum.Login, Name: sum.Name,
		Email: sum.PrimaryEmail(), Locale: sum.Locale, Roles: sum.Roles, Groups: sum.Groups,
		Created: ses.Created, Until: ses.Created.Add(s.Accounts.Policy.SessionMax), AMR: ses.AMR,
		PhishingResistantAt: ses.LastPhishingResistant()}
	if !ses.StepUp.EnrolOnly && !ses.StepUp.SignIn {
		i.StepUpAt = ses.StepUp.At
		if ses.StepUp.Fresh(now) {
			i.StepUpUntil = ses.StepUp.At.Add(account.StepUpTTL)
		}
	}
	return i, ses, nil
}

// use returns a session and records its use.
func (s *Service) use(r store.Reader, key string, now time.Time) (Info, error) {
	i, ses, err := s.info(r, key, now)
	if err != nil {
		return Info{}, err
	}
	s.ages.observe(key, s.uptime(), now.Sub(ses.Created))
	if now.Sub(ses.LastSeen) >= time.Minute {
		s.lastSeen.set(key, now.Round(0)) // without the monotonic clock reading
	}
	return i, nil
}

// IsListed reports whether the user record lists the session with a key. It does not list a session that was ended. It lists an
// expired session until a later sign-in of the user removes it.
func (s *Service) IsListed(r store.Reader, id account.UserID, key string) (bool, error) {
	u, err := s.Accounts.Reader(r).User(id)
	if errcode.Of(err) == errcode.NotFound {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(u.Sessions, func(ref account.SessionRef) bool { return ref.Hash == key }), err
}
