package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// SecondFactor is the second step of a login that does not end with it, because the password has to be changed first.
type SecondFactor struct {
	AMR      []string `json:"amr"`                // RFC 8176, of password and device
	Spare    bool     `json:"spare,omitempty"`    // by a recovery code, which is no device: one is enrolled first (PROTOCOL 6)
	Enrolled bool     `json:"enrolled,omitempty"` // by a device enrolled in this login
}

// Completed is how a login goes on after its second step.
type Completed struct {
	Step        Step
	Credentials session.Credentials // with StepDone
	Secret      secret.Value        // with any other step: the login goes on under this secret
}

// mustChange is the step between the second one and the session: nothing of the login may have moved since.
func (l *Transaction) mustChange(u *account.User) (Step, bool) {
	switch {
	case l.Proven == nil || u.Password.MustChange == "" || l.Epoch != u.Epoch:
		return "", false
	case l.Proven.Spare:
		return StepEnrol, true
	}
	return StepChangePassword, true
}

// Complete ends a login whose second step is done with a session. While the password is marked there is none yet: the
// login goes on, under another secret than the one that bore less (BAR A11). The caller saves the person.
func (s *Service) Complete(tx *account.Tx, secret secret.Value, l Transaction, u *account.User, p SecondFactor) (Completed, error) {
	if err := s.transactions.Delete(tx.Raw, secret.Hash()); err != nil {
		return Completed{}, fmt.Errorf("ending a login: %w", err)
	}
	if u.Password.MustChange == "" {
		issued, err := s.openSession(tx, u, p)
		return Completed{Step: StepDone, Credentials: issued}, err
	}
	if l.Program != "" { // a new password is chosen on a page of ours, from the start
		return Completed{Step: StepChangePassword}, nil
	}
	l.Proven, l.Ticket, l.Ceremony, l.Enrol = &p, "", nil, nil
	l.Extend(tx.Op.Now)
	out := Completed{Step: s.Next(&l, u, tx.Op.Now), Secret: tx.Op.Secret("login proven")}
	return out, s.PutTransaction(tx, out.Secret, l)
}

// openSession opens the session of a login that is complete.
func (s *Service) openSession(tx *account.Tx, u *account.User, p SecondFactor) (session.Credentials, error) {
	proof := account.StepUp{}
	if p.Spare || p.Enrolled {
		proof = account.StepUp{At: tx.Op.Now, EnrolOnly: true}
	}
	return s.Sessions.Open(tx, u, p.AMR, proof, !p.Enrolled)
}

// ReplacePassword takes the password chosen in a login that has proven the marked one and a device, and signs the person
// in. Every other session ends. WrongState at any other step; Invalid for a password that may not be, the marked one
// ("same") among them.
func (s *Service) ReplacePassword(ctx context.Context, req account.RequestInfo, login secret.Value, chosen string) (Result, error) {
	op := s.Accounts.NewOperation(req)
	var l Transaction
	var u account.User
	renewing := func(r account.Reader) (err error) {
		var step Step
		if l, u, step, err = s.LoadTransaction(r, login, op.Now); err == nil && step != StepChangePassword {
			err = errcode.New(errcode.WrongState)
		}
		return err
	}
	if err := s.Accounts.View(ctx, renewing); err != nil {
		return Result{}, err
	}
	if err := s.Accounts.Hasher.Validate(chosen, s.forbiddenWords(&u)); err != nil {
		return Result{}, err
	}
	same, _, err := s.Accounts.Hasher.Verify(ctx, l.KnownBrowser, u.Password.Hash, chosen)
	if err != nil {
		return Result{}, fmt.Errorf("comparing with the password of before: %w", err)
	}
	if same {
		return Result{}, errcode.InvalidField("password", "same")
	}
	phc, err := s.Accounts.Hasher.Hash(ctx, l.KnownBrowser, chosen)
	if err != nil {
		return Result{}, fmt.Errorf("hashing a password: %w", err)
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Result, error) {
		// Whoever changes the password meanwhile raises the PasswordEpoch, and this login is dead.
		l, u, step, err := s.LoadTransaction(tx.Reader, login, op.Now)
		if err == nil && step != StepChangePassword {
			err = errcode.New(errcode.WrongState)
		}
		if err != nil {
			return Result{}, err
		}
		return s.storeReplacement(tx, login, &l, &u, phc)
	})
}

func (s *Service) storeReplacement(tx *account.Tx, secret secret.Value, l *Transaction, u *account.User, phc string) (Result, error) {
	if err := s.transactions.Delete(tx.Raw, secret.Hash()); err != nil {
		return Result{}, fmt.Errorf("ending a login: %w", err)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return Result{}, err
	}
	u.Password = account.Password{Hash: phc, Provenance: account.ProvenanceUser, Set: tx.Op.Now}
	if err := s.recordPasswordChange(tx, u); err != nil {
		return Result{}, err
	}
	issued, err := s.openSession(tx, u, *l.Proven)
	if err != nil {
		return Result{}, err
	}
	return Result{Completed: Completed{Step: StepDone, Credentials: issued}, First: l.Proven.Enrolled, ReturnTo: l.ReturnTo}, tx.Save(u)
}

// ExpirePassword marks the password of an active person, so that their next complete sign-in asks for another. Those
// who are signed in stay so. The caller audits, tells and saves. WrongState: not active, or without a password.
func (s *Service) ExpirePassword(tx *account.Tx, u *account.User) error {
	switch {
	case u.Status != account.StatusActive:
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	case u.Password.Hash == "":
		return errcode.WrongStateFor(errcode.ReasonNoPassword)
	case u.Password.MustChange == "":
		u.Password.MustChange = account.ChangeExpired
	}
	return nil
}

// SetPassword gives an active person a password that came by an operator's hand, and ends whatever stood on the one
// before but open tickets: with one that went another way it lets the person in. The caller audits, tells and saves.
// WrongState: not active. SameProvenance: the person's one device was brought by an operator and never used (PROTOCOL 8).
func (s *Service) SetPassword(tx *account.Tx, u *account.User, phc, hand string, mark account.ChangeReason) error {
	if u.Status != account.StatusActive {
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	if u.HasOnlyImportedDevice() {
		return errcode.New(errcode.SameProvenance)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Password = account.Password{Hash: phc, Provenance: hand, Set: tx.Op.Now, MustChange: mark}
	u.Epoch++
	u.PasswordEpoch++
	tx.AddAdminActivity(u, audit.PasswordUpdated, "")
	return nil
}
