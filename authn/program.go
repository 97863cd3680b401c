package authn

import (
	"context"
	"fmt"
	"time"

	"barillet/factors"
	"barillet/internal/throttle"
)

// StateLife is how long a program has for the second step (PROTOCOL 25).
const StateLife = 5 * time.Minute

// Transaction is where a sign-in stands that a program does for a person. It holds no secret of the person.
type Transaction struct {
	Step      Step // StepVerify, StepDone; else the person has to come to the pages
	State     Secret
	Expires   time.Time
	User      User             // without what proofs need
	Devices   []factors.Device // that a code may be given of, the one used last first; without Data
	Session   Secret           // with StepDone: of kind program, worth nothing at any page
	SessionID string           // its public name, as in lists
}

// StartProgram judges a password that a program was given, by the same rules, counters and pool as the page does,
// and with the same refusals: CodeSignIn, CodeWait. from.Program names the API token to which all that follows is
// bound; whom the token may not see is a stranger.
func (s *Service) StartProgram(ctx context.Context, from Origin, identifier, password string, sees func(*User) bool) (Transaction, error) {
	if from.Program == "" {
		return Transaction{}, Refuse(CodeForbidden)
	}
	started, err := s.password(ctx, from, identifier, password, "", sees)
	if err != nil {
		return Transaction{}, err
	}
	return s.Transaction(ctx, from, started.Login)
}

// Transaction tells where a program's sign-in stands; CodeExpired when it is over, or another token's.
func (s *Service) Transaction(ctx context.Context, from Origin, state Secret) (Transaction, error) {
	now, kept := s.Now(), reading{program: from.Program}
	var out Transaction
	err := s.View(ctx, func(r Reader) error {
		l, u, step, err := r.programLogin(state, now, &kept)
		if err != nil {
			return err
		}
		out = Transaction{Step: step, State: state, Expires: l.Expires, Devices: listed(s.typed(s.verifiable(&l, &u)))}
		out.User = User{ID: u.ID, Login: u.Login, FirstName: u.FirstName, LastName: u.LastName, Locale: s.Locale(&u),
			Password: Password{Set: u.Password.Set}}
		if step == StepVerify && len(out.Devices) == 0 {
			out.Step = StepBlocked // a security key needs a page of ours
		}
		return nil
	})
	return out, err
}

// programLogin is loginKept for programs: never a browser's login.
func (r Reader) programLogin(state Secret, now time.Time, kept *reading) (Login, User, Step, error) {
	if kept.program == "" {
		return Login{}, User{}, StepOver, Refuse(CodeExpired)
	}
	return r.loginKept(state, now, kept)
}

// typed are the devices whose answer is a code that can be typed anywhere (PROTOCOL 25).
func (s *Service) typed(devices []factors.Device) []factors.Device {
	var out []factors.Device
	for _, d := range devices {
		if class(s.Describe(d)) == throttle.Code {
			out = append(out, d)
		}
	}
	return out
}

// FinishProgram judges a code of one device in a program's sign-in. A refused one is an outcome: counted, audited, and
// the transaction goes on. CodeNotFound: no such device takes codes here.
func (s *Service) FinishProgram(ctx context.Context, from Origin, state Secret, id factors.DeviceID, code []byte) (Transaction, Judged, error) {
	out, err := s.Transaction(ctx, from, state)
	if err != nil {
		return Transaction{}, Judged{}, err
	}
	kind := factors.Kind("")
	for _, d := range out.Devices {
		if d.ID == id {
			kind = d.Kind
		}
	}
	switch {
	case out.Step != StepVerify:
		return Transaction{}, Judged{}, Refuse(CodeState)
	case kind == "":
		return Transaction{}, Judged{}, Refuse(CodeNotFound)
	}
	v, err := s.verify(ctx, from, state, kind, code, func(d factors.Device) bool { return d.ID == id })
	if err != nil || !v.Accepted() {
		return out, v.Judged, err
	}
	out.State = Secret{}
	if out.Step, out.Devices = v.Step, nil; v.Step != StepDone {
		return out, v.Judged, nil // something is left that only a page can ask
	}
	out.Session, out.SessionID = v.Issued.Session, sessionID(v.Issued.Session.Hash())
	now := s.Now()
	out.Expires = s.ExpiresAt(OpenSession{Since: now, Seen: now})
	return out, v.Judged, nil
}

// CancelProgram ends a program's sign-in before its second step; CodeExpired when there is none.
func (s *Service) CancelProgram(ctx context.Context, from Origin, state Secret) error {
	a, kept := s.NewAct(from), reading{program: from.Program}
	_, err := Do(ctx, s, a, func(w *Work) (struct{}, error) {
		if _, _, _, err := w.programLogin(state, a.Now, &kept); err != nil {
			return struct{}{}, err
		}
		if err := s.logins.Delete(w.Tx, state.Hash()); err != nil {
			return struct{}{}, fmt.Errorf("ending a login: %w", err)
		}
		return struct{}{}, nil
	})
	return err
}

// openForProgram is openSession for a program: no browser becomes known by it, and no act follows that a proof could
// be for.
func (w *Work) openForProgram(u *User, amr []string) (Issued, error) {
	now, from := w.Act.Now, w.Act.From
	secret := w.Act.Secret("session")
	u.LastLogin = now
	return Issued{Session: secret}, w.startSession(u, secret, Session{User: u.ID, Epoch: u.Epoch, Created: now, Seen: now, AMR: amr,
		Program: from.Program, Address: from.address(), Agent: from.Agent})
}
