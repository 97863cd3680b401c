package authn

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// AccountView is what a user sees of their own account. It contains no secret.
type AccountView struct {
	User              account.UserID
	Login             string
	Name              string
	Email             string
	Locale            string // language of emails to the user
	Groups            []string
	Devices           []factors.Device // in the order of enrolment, without Data
	PhishingResistant bool             // one of them is phishing-resistant
	PrimaryDevices    int              // usable primary devices
	Sessions          []session.Summary
	Activity          []account.Activity // newest first
	StepUpFresh       bool               // a step-up is valid now
	MaybeLost         []factors.DeviceID // usable primary devices that were not used since a recovery code was
	Administrator     bool               // the user has a role
	CoolOffUntil      time.Time          // end of the cool-off; zero: none
}

// Account returns the account page of the session's user.
func (s *Service) Account(ctx context.Context, session secret.Value) (AccountView, error) {
	now := s.Accounts.Now()
	var out AccountView
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r := s.Accounts.Reader(snap)
		ses, u, err := s.Sessions.Load(r, session, now)
		if err != nil {
			return err
		}
		out = AccountView{User: u.ID, Login: u.AsGiven().Login, Name: u.DisplayName(), Email: u.Email, Locale: s.Accounts.Locale(&u),
			PhishingResistant: s.Accounts.HasPhishingResistant(&u), PrimaryDevices: s.Accounts.CountPrimary(&u), Activity: slices.Clone(u.Activity), StepUpFresh: ses.StepUp.Fresh(now) && !ses.StepUp.EnrolOnly}
		slices.Reverse(out.Activity)
		out.Administrator = len(u.Roles) > 0
		if until, ok := u.CoolOff(now); ok {
			out.CoolOffUntil = until
		}
		out.Devices = slices.Clone(u.Devices)
		for i := range out.Devices {
			out.Devices[i].Data = nil
		}
		out.MaybeLost = s.maybeLost(&u)
		if out.Groups, err = s.groupNames(r, &u); err != nil {
			return err
		}
		out.Sessions, err = s.Sessions.List(r, &u, session.Key(), now)
		return err
	})
	return out, err
}

// maybeLost returns the usable primary devices that the user neither enrolled nor used since the last recovery code.
func (s *Service) maybeLost(u *account.User) []factors.DeviceID {
	var used time.Time
	for _, a := range u.Activity {
		if a.What == audit.RecoveryCodeSpent && !a.Failed {
			used = a.At
		}
	}
	var out []factors.DeviceID
	for _, d := range u.Devices {
		if d.Usable() && s.Accounts.Method(d.Kind).Primary && d.Added.Before(used) && d.LastUsed.Before(used) {
			out = append(out, d.ID)
		}
	}
	return out
}

// groupNames returns the names of the user's groups. It skips groups that no longer exist.
func (s *Service) groupNames(r account.Reader, u *account.User) ([]string, error) {
	var out []string
	for _, id := range u.Groups {
		g, err := r.Group(id)
		switch {
		case errcode.Of(err) == errcode.NotFound:
			continue
		case err != nil:
			return nil, err
		}
		out = append(out, g.Name)
	}
	return out, nil
}

// SetLocale stores the language that the user chose. It returns Invalid for a language that the service does not
// have.
func (s *Service) SetLocale(ctx context.Context, req account.RequestInfo, session secret.Value, locale string) error {
	if !s.Accounts.Policy.HasLocale(locale) {
		return errcode.InvalidField("lang", "unknown")
	}
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Sessions.Load(tx.Reader, session, op.Now)
		if err != nil || u.Locale == locale {
			return struct{}{}, err
		}
		u.Locale = locale
		return struct{}{}, tx.Save(&u)
	})
	return err
}
