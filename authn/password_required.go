package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// mustChange is the step between the second one and the session: nothing of the login may have moved since.
func (tr *Transaction) mustChange(u *account.User) (Step, bool) {
	switch {
	case tr.SecondFactor == nil || u.Password.MustChange == "" || tr.Epoch != u.Epoch:
		return "", false
	case tr.SecondFactor.Backup:
		return StepEnrol, true
	}
	return StepChangePassword, true
}

// ReplacePassword takes the password chosen in a login that has proven the marked one and a device, and signs the person
// in. Every other session ends. WrongState at any other step; Invalid for a password that may not be, the marked one
// ("same") among them.
func (s *Service) ReplacePassword(ctx context.Context, req account.RequestInfo, login secret.Value, chosen string) (Result, error) {
	op := s.Accounts.NewOperation(req)
	var tr Transaction
	var u account.User
	renewing := func(r account.Reader) (err error) {
		var step Step
		if tr, u, step, err = s.LoadTransaction(r, login, op.Now); err == nil && step != StepChangePassword {
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
	same, _, err := s.Accounts.Hasher.Verify(ctx, tr.KnownBrowser, u.Password.Hash, chosen)
	if err != nil {
		return Result{}, fmt.Errorf("comparing with the password of before: %w", err)
	}
	if same {
		return Result{}, errcode.InvalidField("password", "same")
	}
	hash, err := s.Accounts.Hasher.Hash(ctx, tr.KnownBrowser, chosen)
	if err != nil {
		return Result{}, fmt.Errorf("hashing a password: %w", err)
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Result, error) {
		// Whoever changes the password meanwhile raises the PasswordEpoch, and this login is dead.
		tr, u, step, err := s.LoadTransaction(tx.Reader, login, op.Now)
		if err == nil && step != StepChangePassword {
			err = errcode.New(errcode.WrongState)
		}
		if err != nil {
			return Result{}, err
		}
		return s.storeReplacement(tx, login, &tr, &u, hash)
	})
}

func (s *Service) storeReplacement(tx *account.Tx, secret secret.Value, tr *Transaction, u *account.User, hash string) (Result, error) {
	if err := s.transactions.Delete(tx.Raw, secret.Hash()); err != nil {
		return Result{}, fmt.Errorf("ending a login: %w", err)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return Result{}, err
	}
	u.Password = account.Password{Hash: hash, Provenance: account.ProvenanceUser, Set: tx.Op.Now}
	if err := s.recordPasswordChange(tx, u); err != nil {
		return Result{}, err
	}
	issued, err := s.openSession(tx, u, *tr.SecondFactor)
	if err != nil {
		return Result{}, err
	}
	return Result{Completed: Completed{Step: StepDone, Credentials: issued}, First: tr.SecondFactor.Enrolled, ReturnTo: tr.ReturnTo}, tx.Save(u)
}
