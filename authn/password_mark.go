package authn

import (
	"context"
	"fmt"

	"barillet/internal/audit"
)

// PasswordMark tells why a person has to choose another password at their next complete sign-in; "": they need not.
type PasswordMark string

// The marks. One for a password that is known to others (PROTOCOL 17) has its place here.
const (
	MarkExpired   PasswordMark = "expired"   // an operator wants another one
	MarkTemporary PasswordMark = "temporary" // an operator was given it, to tell it to the person
)

// Proven is the second step of a login that does not end with it, because the password has to be changed first.
type Proven struct {
	AMR      []string `json:"amr"`                // RFC 8176, of password and device
	Spare    bool     `json:"spare,omitempty"`    // by a recovery code, which is no device: one is enrolled first (PROTOCOL 6)
	Enrolled bool     `json:"enrolled,omitempty"` // by a device enrolled in this login
}

// Completed is how a login goes on after its second step.
type Completed struct {
	Step   Step
	Issued Issued // with StepDone
	Login  Secret // with any other step: the login goes on under this secret
}

// owed is the step between the second one and the session: nothing of the login may have moved since.
func (l *Login) owed(u *User) (Step, bool) {
	switch {
	case l.Proven == nil || u.Password.Mark == "" || l.Epoch != u.Epoch:
		return "", false
	case l.Proven.Spare:
		return StepEnrol, true
	}
	return StepPassword, true
}

// complete ends a login whose second step is done with a session. While the password is marked there is none yet: the
// login goes on, under another secret than the one that bore less (BAR A11). The caller saves the person.
func (w *Work) complete(secret Secret, l Login, u *User, p Proven) (Completed, error) {
	if err := w.s.logins.Delete(w.Tx, secret.Hash()); err != nil {
		return Completed{}, fmt.Errorf("ending a login: %w", err)
	}
	if u.Password.Mark == "" {
		issued, err := w.open(u, p)
		return Completed{Step: StepDone, Issued: issued}, err
	}
	if l.Program != "" { // a new password is chosen on a page of ours, from the start
		return Completed{Step: StepPassword}, nil
	}
	l.Proven, l.Grant, l.Ceremony, l.Enrol = &p, "", nil, nil
	l.prolong(w.Act.Now)
	out := Completed{Step: w.s.Next(&l, u, w.Act.Now), Login: w.Act.Secret("login proven")}
	return out, w.putLogin(out.Login, l)
}

// open opens the session of a login that is complete.
func (w *Work) open(u *User, p Proven) (Issued, error) {
	proof := Proof{}
	if p.Spare || p.Enrolled {
		proof = Proof{At: w.Act.Now, Enrolling: true}
	}
	return w.openSession(u, p.AMR, proof, !p.Enrolled)
}

// settle is what a proven device says of the password that it was proven with: one that came through the mailbox is
// the person's own from here. One that an operator chose, or had the link for, stays that operator's: they may know it
// still (PROTOCOL 8).
func (p *Password) settle() {
	if p.Source == HandMail {
		p.Source = HandSelf
	}
}

// RenewPassword takes the password chosen in a login that has proven the marked one and a device, and signs the person
// in. Every other session ends. CodeState at any other step; CodeInvalid for a password that may not be, the marked one
// ("same") among them.
func (s *Service) RenewPassword(ctx context.Context, from Origin, login Secret, chosen string) (Verified, error) {
	a := s.NewAct(from)
	var l Login
	var u User
	renewing := func(r Reader) (err error) {
		var step Step
		if l, u, step, err = r.login(login, a.Now); err == nil && step != StepPassword {
			err = Refuse(CodeState)
		}
		return err
	}
	if err := s.View(ctx, renewing); err != nil {
		return Verified{}, err
	}
	if err := s.Passwords.Check(chosen, s.about(&u)); err != nil {
		return Verified{}, err
	}
	same, _, err := s.Passwords.Verify(ctx, l.Known, u.Password.PHC, chosen)
	if err != nil {
		return Verified{}, fmt.Errorf("comparing with the password of before: %w", err)
	}
	if same {
		return Verified{}, Invalid("password", "same")
	}
	phc, err := s.Passwords.Hash(ctx, l.Known, chosen)
	if err != nil {
		return Verified{}, fmt.Errorf("hashing a password: %w", err)
	}
	return Do(ctx, s, a, func(w *Work) (Verified, error) {
		// Whoever changes the password meanwhile raises the PasswordEpoch, and this login is dead.
		l, u, step, err := w.login(login, a.Now)
		if err == nil && step != StepPassword {
			err = Refuse(CodeState)
		}
		if err != nil {
			return Verified{}, err
		}
		return w.storeRenewed(login, &l, &u, phc)
	})
}

func (w *Work) storeRenewed(secret Secret, l *Login, u *User, phc string) (Verified, error) {
	if err := w.s.logins.Delete(w.Tx, secret.Hash()); err != nil {
		return Verified{}, fmt.Errorf("ending a login: %w", err)
	}
	if _, err := w.EndSessions(u, ""); err != nil {
		return Verified{}, err
	}
	u.Password = Password{PHC: phc, Source: HandSelf, Set: w.Act.Now}
	if err := w.passwordChanged(u); err != nil {
		return Verified{}, err
	}
	issued, err := w.open(u, *l.Proven)
	if err != nil {
		return Verified{}, err
	}
	return Verified{Completed: Completed{Step: StepDone, Issued: issued}, First: l.Proven.Enrolled, ReturnTo: l.ReturnTo}, w.Save(u)
}

// ExpirePassword marks the password of an active person, so that their next complete sign-in asks for another. Those
// who are signed in stay so. The caller audits, tells and saves. CodeState: not active, or without a password.
func (w *Work) ExpirePassword(u *User) error {
	switch {
	case u.Status != StatusActive:
		return wrongState(ReasonNotActive)
	case u.Password.PHC == "":
		return wrongState(ReasonNoPassword)
	case u.Password.Mark == "":
		u.Password.Mark = MarkExpired
	}
	return nil
}

// SetPassword gives an active person a password that came by an operator's hand, and ends whatever stood on the one
// before but open tickets: with one that went another way it lets the person in. The caller audits, tells and saves.
// CodeState: not active. CodeSameHand: the person's one device was brought by an operator and never used (PROTOCOL 8).
func (w *Work) SetPassword(u *User, phc, hand string, mark PasswordMark) error {
	if u.Status != StatusActive {
		return wrongState(ReasonNotActive)
	}
	if u.Brought() {
		return Refuse(CodeSameHand)
	}
	if _, err := w.EndSessions(u, ""); err != nil {
		return err
	}
	u.Password = Password{PHC: phc, Source: hand, Set: w.Act.Now, Mark: mark}
	u.Epoch++
	u.PasswordEpoch++
	w.RememberDone(u, audit.PasswordUpdated, "")
	return nil
}
