package authn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// AccountView is what a person sees of themselves; it holds no secret.
type AccountView struct {
	User              account.UserID
	Login             string
	Name              string
	Email             string
	Locale            string // the person's choice; "": none
	Groups            []string
	Devices           []factors.Device // in the order of enrolment, without Data
	PhishingResistant bool             // one of them withstands phishing: Service.Strong
	PrimaryDevices    int              // usable devices that count; with one, its loss would lock the person out
	Sessions          []session.Summary
	Activity          []account.Activity // newest first
	StepUpFresh       bool               // a fresh proof counts now
}

// Account reads the page of whoever the session belongs to.
func (s *Service) Account(ctx context.Context, session secret.Value) (AccountView, error) {
	now := s.Accounts.Now()
	var out AccountView
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r := s.Accounts.Reader(snap)
		ses, u, err := s.Sessions.Load(r, session, now)
		if err != nil {
			return err
		}
		out = AccountView{User: u.ID, Login: u.Login, Name: u.DisplayName(), Email: u.Email, Locale: u.Locale,
			PhishingResistant: s.Accounts.HasPhishingResistant(&u), PrimaryDevices: s.Accounts.CountPrimary(&u), Activity: slices.Clone(u.Activity), StepUpFresh: ses.StepUp.Fresh(now) && !ses.StepUp.EnrolOnly}
		slices.Reverse(out.Activity)
		out.Devices = slices.Clone(u.Devices)
		for i := range out.Devices {
			out.Devices[i].Data = nil
		}
		if out.Groups, err = s.groupNames(r, &u); err != nil {
			return err
		}
		out.Sessions, err = s.Sessions.List(r, &u, session.Hash(), now)
		return err
	})
	return out, err
}

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

// RequireStepUp loads a session with a full fresh proof; StepUpRequired asks for one.
func (s *Service) RequireStepUp(tx *account.Tx, session secret.Value) (account.Session, account.User, error) {
	ses, u, err := s.Sessions.Load(tx.Reader, session, tx.Op.Now)
	if err == nil && (!ses.StepUp.Fresh(tx.Op.Now) || ses.StepUp.EnrolOnly) {
		err = errcode.New(errcode.StepUpRequired)
	}
	return ses, u, err
}

// RenameDevice gives a device another name.
func (s *Service) RenameDevice(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID, name string) error {
	name, err := account.DeviceName(name, false)
	if err != nil {
		return err
	}
	op := s.Accounts.NewOperation(req)
	_, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Sessions.Load(tx.Reader, session, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		d := u.Device(id)
		if d == nil {
			return struct{}{}, errcode.New(errcode.NotFound)
		}
		changed := *d
		changed.Name = name
		u.Devices = ReplaceDevice(u.Devices, changed)
		if err := tx.AuditDevice(&u, audit.FactorUpdated, changed); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RemoveDevice takes one of the person's own devices away, never the last that counts. Every other session ends.
func (s *Service) RemoveDevice(ctx context.Context, req account.RequestInfo, sess secret.Value, id factors.DeviceID) (session.Credentials, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (session.Credentials, error) {
		ses, u, err := s.RequireStepUp(tx, sess)
		if err != nil {
			return session.Credentials{}, err
		}
		d := u.Device(id)
		if d == nil {
			return session.Credentials{}, errcode.New(errcode.NotFound)
		}
		if s.Accounts.CanUse(&u, *d) && s.Accounts.Method(d.Kind).Primary && s.Accounts.CountPrimary(&u) <= 1 {
			return session.Credentials{}, errcode.New(errcode.LastDevice)
		}
		gone := *d
		if err := s.DeleteDevice(tx, &u, gone); err != nil {
			return session.Credentials{}, err
		}
		tx.AddActivity(&u, audit.FactorRemoved, gone.Name)
		if err := tx.AuditDevice(&u, audit.FactorRemoved, gone); err != nil {
			return session.Credentials{}, err
		}
		issued, err := s.Sessions.Rotate(tx, &u, ses)
		if err != nil {
			return session.Credentials{}, err
		}
		return issued, tx.Save(&u)
	})
}

// DeleteDevice takes a device from the person, raises the Epoch (PROTOCOL 2) and mails; the caller audits, ends
// the sessions and saves.
func (s *Service) DeleteDevice(tx *account.Tx, u *account.User, d factors.Device) error {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(x factors.Device) bool { return x.ID == d.ID })
	u.Epoch++
	if err := tx.ReleaseUnique(d); err != nil {
		return err
	}
	return tx.Notify(u, notice.DeviceRemoved{Context: tx.About(u), Device: d.Name}, time.Time{})
}

// ChangePassword takes the known password and a new one, after a fresh proof. Every other session ends.
func (s *Service) ChangePassword(ctx context.Context, req account.RequestInfo, sess secret.Value, current, chosen string) (session.Credentials, error) {
	op := s.Accounts.NewOperation(req)
	ses, u, err := s.loadSession(ctx, op, sess)
	if err != nil {
		return session.Credentials{}, err
	}
	if !ses.StepUp.Fresh(op.Now) || ses.StepUp.EnrolOnly {
		return session.Credentials{}, errcode.New(errcode.StepUpRequired)
	}
	if err := s.Accounts.Hasher.Validate(chosen, s.forbiddenWords(&u)); err != nil {
		return session.Credentials{}, err
	}
	known := u.KnowsBrowser(req.Browser, op.Now)
	c := passwordAttempt{user: u, found: true, knownBrowser: known, failureID: s.Accounts.FailureID(u.ID)}
	right, _, err := s.Accounts.Hasher.Verify(ctx, known, u.Password.Hash, current)
	if err != nil {
		return session.Credentials{}, fmt.Errorf("verifying a password: %w", err)
	}
	phc := ""
	if right {
		if phc, err = s.Accounts.Hasher.Hash(ctx, known, chosen); err != nil {
			return session.Credentials{}, fmt.Errorf("hashing a password: %w", err)
		}
	}
	type result struct {
		issued session.Credentials
		err    error
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (result, error) {
		issued, refused, err := s.storePasswordChange(tx, sess, c, right, phc)
		return result{issued, refused}, err
	})
	if err == nil {
		err = out.err
	}
	return out.issued, err
}

// storePasswordChange stores a change of password, or counts the wrong one: refused is told after it was stored.
func (s *Service) storePasswordChange(tx *account.Tx, sess secret.Value, c passwordAttempt, right bool, phc string) (issued session.Credentials, refused, err error) {
	ses, u, err := s.RequireStepUp(tx, sess)
	if err != nil {
		return session.Credentials{}, nil, err
	}
	f, err := s.Accounts.Failures.Get(tx.Raw, c.failureID)
	if err != nil {
		return session.Credentials{}, nil, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := f.Allowed(tx.Op.Now, throttle.Password, c.knownBrowser); !ok {
		return session.Credentials{}, errcode.RateLimit(until.Sub(tx.Op.Now)), nil
	}
	if !right || u.Password.Hash != c.user.Password.Hash {
		if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, c.failureID, f.WithFailure(tx.Op.Now, throttle.Password, c.knownBrowser)); err != nil {
			return session.Credentials{}, nil, fmt.Errorf("counting a wrong password: %w", err)
		}
		return session.Credentials{}, errcode.InvalidField("current", "wrong"), tx.AuditUser(&u, audit.PasswordUpdated, audit.Failure, "wrong password")
	}
	u.Password = account.Password{Hash: phc, Provenance: account.ProvenanceUser, Set: tx.Op.Now}
	if err := s.recordPasswordChange(tx, &u); err != nil {
		return session.Credentials{}, nil, err
	}
	if issued, err = s.Sessions.Rotate(tx, &u, ses); err != nil {
		return session.Credentials{}, nil, err
	}
	return issued, nil, tx.Save(&u)
}

// SetLocale stores the language that the person chose.
func (s *Service) SetLocale(ctx context.Context, req account.RequestInfo, session secret.Value, locale string) error {
	if !slices.Contains(s.Accounts.Policy.Locales, locale) {
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
