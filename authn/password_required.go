package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// mustChange returns the step between the second step and the session, if a new password is required and the epoch
// has not changed.
func (tr *Transaction) mustChange(u *account.User) (Step, bool) {
	switch {
	case tr.SecondFactor == nil || u.Password.MustChange == "" || tr.Epoch != u.Epoch:
		return "", false
	case tr.SecondFactor.Backup:
		return StepEnrol, true
	}
	return StepChangePassword, true
}

// ReplacePassword sets the password chosen in a transaction that has verified the old one and a device, and
// signs the user in. The user's other sessions end. It returns WrongState at any other step, and Invalid for an
// unacceptable password or the old one ("same").
func (s *Service) ReplacePassword(ctx context.Context, req account.RequestInfo, transaction secret.Value,
	chosen string) (Result, error) {
	op := s.Accounts.NewOperation(req)
	var tr Transaction
	var u account.User
	renewing := func(r account.Reader) (err error) {
		var step Step
		if tr, u, step, err = s.LoadTransaction(r, transaction, op.Now); err == nil && step != StepChangePassword {
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
		return Result{}, fmt.Errorf("comparing with the old password: %w", err)
	}
	if same {
		return Result{}, errcode.InvalidField("password", "same")
	}
	hash, err := s.Accounts.Hasher.Hash(ctx, tr.KnownBrowser, chosen)
	if err != nil {
		return Result{}, fmt.Errorf("hashing a password: %w", err)
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Result, error) {
		// A change of the password meanwhile raises PasswordEpoch, so that LoadTransaction returns Expired.
		tr, u, step, err := s.LoadTransaction(tx.Reader, transaction, op.Now)
		if err == nil && step != StepChangePassword {
			err = errcode.New(errcode.WrongState)
		}
		if err != nil {
			return Result{}, err
		}
		return s.storeReplacement(tx, transaction, &tr, &u, hash)
	})
}

func (s *Service) storeReplacement(tx *account.Tx, transaction secret.Value, tr *Transaction, u *account.User,
	hash string) (Result, error) {
	if err := s.transactions.Delete(tx.Raw, transaction.Key()); err != nil {
		return Result{}, fmt.Errorf("deleting a sign-in transaction: %w", err)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return Result{}, err
	}
	u.Password = account.Password{Hash: hash, Provenance: account.ProvenanceUser, Set: tx.Op.Now}
	if err := s.recordPasswordChange(tx, u); err != nil {
		return Result{}, err
	}
	credentials, err := s.openSession(tx, u, tr, *tr.SecondFactor)
	if err != nil {
		return Result{}, err
	}
	return Result{Completed: Completed{Step: StepDone, Credentials: credentials}, First: tr.SecondFactor.Enrolled}, tx.Save(u)
}
