package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/templates"
)

// Account is what a person sees of themselves; it holds no secret.
type Account struct {
	User     UserID
	Login    string
	Name     string
	Email    string
	Locale   string // the person's choice; "": none
	Garages  []string
	Devices  []factors.Device // in the order of enrolment, without Data
	Strong   bool             // one of them withstands phishing: Service.Strong
	Counted  int              // usable devices that count; with one, its loss would lock the person out
	Sessions []OpenSession
	Recent   []Recent // newest first
	Proven   bool     // a fresh proof counts now
}

// OpenSession is one place where the person is signed in.
type OpenSession struct {
	ID      string
	Agent   string
	Address string
	Since   time.Time
	Seen    time.Time
	This    bool
	Program bool // a program's, which no browser holds
}

// Account reads the page of whoever the session belongs to.
func (s *Service) Account(ctx context.Context, session Secret) (Account, error) {
	now := s.Now()
	var out Account
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		r := Reader{s, snap}
		ses, u, err := r.session(session, now)
		if err != nil {
			return err
		}
		out = Account{User: u.ID, Login: u.Login, Name: u.DisplayName(), Email: u.Email, Locale: u.Locale,
			Strong: s.Strong(&u), Counted: s.counted(&u), Recent: slices.Clone(u.Recent), Proven: ses.Proof.fresh(now) && !ses.Proof.Enrolling}
		slices.Reverse(out.Recent)
		out.Devices = slices.Clone(u.Devices)
		for i := range out.Devices {
			out.Devices[i].Data = nil
		}
		if out.Garages, err = r.garages(&u); err != nil {
			return err
		}
		out.Sessions, err = r.openSessions(&u, session.Hash(), now)
		return err
	})
	return out, err
}

func (r Reader) garages(u *User) ([]string, error) {
	var out []string
	for _, id := range u.Groups {
		g, err := r.Group(id)
		switch {
		case CodeOf(err) == CodeNotFound:
			continue
		case err != nil:
			return nil, err
		}
		out = append(out, g.Name)
	}
	return out, nil
}

// openSessions lists the sessions of the person that are alive, this one first.
func (r Reader) openSessions(u *User, this string, now time.Time) ([]OpenSession, error) {
	st := u.standing()
	var out []OpenSession
	for _, ref := range u.Sessions {
		ses, err := r.s.sessions.Get(r.r, ref.Hash)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("loading a session: %w", err)
		}
		if !r.s.stands(&ses, &st, ref.Hash, now) {
			continue
		}
		seen := ses.Seen
		if t := r.s.seen.of(ref.Hash); t.After(seen) {
			seen = t
		}
		out = append(out, OpenSession{ID: sessionID(ref.Hash), Agent: ses.Agent, Address: ses.Address, Since: ses.Created,
			Seen: seen, This: ref.Hash == this, Program: ses.Program != ""})
	}
	slices.SortStableFunc(out, func(a, b OpenSession) int {
		if a.This != b.This && a.This {
			return -1
		} else if a.This != b.This {
			return 1
		}
		return b.Seen.Compare(a.Seen)
	})
	return out, nil
}

// proven loads a session with a full fresh proof; CodeProof asks for one.
func (w *Work) proven(session Secret) (Session, User, error) {
	ses, u, err := w.session(session, w.Act.Now)
	if err == nil && (!ses.Proof.fresh(w.Act.Now) || ses.Proof.Enrolling) {
		err = Refuse(CodeProof)
	}
	return ses, u, err
}

// Rename gives a device another name.
func (s *Service) Rename(ctx context.Context, from Origin, session Secret, id factors.DeviceID, name string) error {
	name, err := DeviceName(name, false)
	if err != nil {
		return err
	}
	a := s.NewAct(from)
	_, err = Do(ctx, s, a, func(w *Work) (struct{}, error) {
		_, u, err := w.session(session, a.Now)
		if err != nil {
			return struct{}{}, err
		}
		d := u.device(id)
		if d == nil {
			return struct{}{}, Refuse(CodeNotFound)
		}
		changed := *d
		changed.Name = name
		u.Devices = replaceDevice(u.Devices, changed)
		if err := w.auditDevice(&u, audit.FactorUpdated, changed); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}

// RemoveDevice takes one of the person's own devices away, never the last that counts. Every other session ends.
func (s *Service) RemoveDevice(ctx context.Context, from Origin, session Secret, id factors.DeviceID) (Issued, error) {
	a := s.NewAct(from)
	return Do(ctx, s, a, func(w *Work) (Issued, error) {
		ses, u, err := w.proven(session)
		if err != nil {
			return Issued{}, err
		}
		d := u.device(id)
		if d == nil {
			return Issued{}, Refuse(CodeNotFound)
		}
		if s.Serves(&u, *d) && s.Describe(*d).Counts && s.counted(&u) <= 1 {
			return Issued{}, Refuse(CodeLastDevice)
		}
		gone := *d
		if err := w.TakeDevice(&u, gone); err != nil {
			return Issued{}, err
		}
		w.Remember(&u, audit.FactorRemoved, gone.Name)
		if err := w.auditDevice(&u, audit.FactorRemoved, gone); err != nil {
			return Issued{}, err
		}
		issued, err := w.reissue(&u, ses)
		if err != nil {
			return Issued{}, err
		}
		return issued, w.Save(&u)
	})
}

// TakeDevice takes a device from the person, raises the Epoch (PROTOCOL 2) and mails; the caller audits, ends
// the sessions and saves.
func (w *Work) TakeDevice(u *User, d factors.Device) error {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(x factors.Device) bool { return x.ID == d.ID })
	u.Epoch++
	if err := w.dropUnique(d); err != nil {
		return err
	}
	return w.Post(u, templates.DeviceRemovedMail{About: w.About(u), Device: d.Name}, time.Time{})
}

// ChangePassword takes the known password and a new one, after a fresh proof. Every other session ends.
func (s *Service) ChangePassword(ctx context.Context, from Origin, session Secret, current, chosen string) (Issued, error) {
	a := s.NewAct(from)
	ses, u, err := s.sessionOf(ctx, a, session)
	if err != nil {
		return Issued{}, err
	}
	if !ses.Proof.fresh(a.Now) || ses.Proof.Enrolling {
		return Issued{}, Refuse(CodeProof)
	}
	if err := s.Passwords.Check(chosen, s.about(&u)); err != nil {
		return Issued{}, err
	}
	known := u.knows(from.Browser, a.Now)
	c := candidate{user: u, found: true, known: known, counts: s.guessID(u.ID)}
	right, _, err := s.Passwords.Verify(ctx, known, u.Password.PHC, current)
	if err != nil {
		return Issued{}, fmt.Errorf("verifying a password: %w", err)
	}
	phc := ""
	if right {
		if phc, err = s.Passwords.Hash(ctx, known, chosen); err != nil {
			return Issued{}, fmt.Errorf("hashing a password: %w", err)
		}
	}
	type result struct {
		issued Issued
		err    error
	}
	out, err := Do(ctx, s, a, func(w *Work) (result, error) {
		issued, refused, err := w.storeChange(session, c, right, phc)
		return result{issued, refused}, err
	})
	if err == nil {
		err = out.err
	}
	return out.issued, err
}

// storeChange stores a change of password, or counts the wrong one: refused is told after it was stored.
func (w *Work) storeChange(session Secret, c candidate, right bool, phc string) (issued Issued, refused, err error) {
	ses, u, err := w.proven(session)
	if err != nil {
		return Issued{}, nil, err
	}
	g, err := w.s.Guesses.Get(w.Tx, c.counts)
	if err != nil {
		return Issued{}, nil, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := g.May(w.Act.Now, throttle.Password, c.known); !ok {
		return Issued{}, Wait(until.Sub(w.Act.Now)), nil
	}
	if !right || u.Password.PHC != c.user.Password.PHC {
		if err := w.s.Guesses.Put(w.Tx, w.Act.Now, c.counts, g.Wrong(w.Act.Now, throttle.Password, c.known)); err != nil {
			return Issued{}, nil, fmt.Errorf("counting a wrong password: %w", err)
		}
		return Issued{}, Invalid("current", "wrong"), w.AuditUser(&u, audit.PasswordUpdated, audit.Failure, "wrong password")
	}
	u.Password = Password{PHC: phc, Source: HandSelf, Set: w.Act.Now}
	if err := w.passwordChanged(&u); err != nil {
		return Issued{}, nil, err
	}
	if issued, err = w.reissue(&u, ses); err != nil {
		return Issued{}, nil, err
	}
	return issued, nil, w.Save(&u)
}

// SetLocale stores the language that the person chose.
func (s *Service) SetLocale(ctx context.Context, from Origin, session Secret, locale string) error {
	if !slices.Contains(templates.Languages(), locale) {
		return Invalid("lang", "unknown")
	}
	a := s.NewAct(from)
	_, err := Do(ctx, s, a, func(w *Work) (struct{}, error) {
		_, u, err := w.session(session, a.Now)
		if err != nil || u.Locale == locale {
			return struct{}{}, err
		}
		u.Locale = locale
		return struct{}{}, w.Save(&u)
	})
	return err
}
