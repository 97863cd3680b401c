package authn

import (
	"errors"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// TransactionKey returns the key of the record of a transaction; "" for none. It authenticates nothing.
func TransactionKey(transaction secret.Value) string {
	if transaction.IsZero() {
		return ""
	}
	return transaction.Key()
}

// WaitingTransaction returns the transaction with the key of its record, and its user, if a code can be handed over for it (protocol
// rule 9): the password is proven and valid, and a device, a ticket or help is next. Otherwise it returns WrongState, and Expired
// if there is no such transaction of a browser.
func (s *Service) WaitingTransaction(r account.Reader, key string, now time.Time) (Transaction, account.User, error) {
	tr, err := s.transactions.Get(r.Raw, key)
	if key == "" || errors.Is(err, store.ErrNotFound) || err == nil && tr.APIToken != "" {
		return Transaction{}, account.User{}, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, fmt.Errorf("loading a sign-in transaction: %w", err)
	}
	u, err := r.User(tr.User)
	if errcode.Of(err) == errcode.NotFound {
		err = errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, err
	}
	switch s.Next(&tr, &u, now) {
	case StepVerify, StepTicket, StepBlocked:
		if tr.NewPassword == nil { // protocol rule 3: a reset would end it
			return tr, u, nil
		}
	case StepExpired:
		return Transaction{}, account.User{}, errcode.New(errcode.Expired)
	}
	return Transaction{}, account.User{}, errcode.New(errcode.WrongState)
}

// ExtendWaiting extends a transaction of WaitingTransaction, because its user waits for a code or can type one.
func (s *Service) ExtendWaiting(tx *account.Tx, key string, tr *Transaction) error {
	tr.Extend(tx.Op.Now)
	if err := s.transactions.Put(tx.Raw, key, *tr); err != nil {
		return fmt.Errorf("storing a sign-in transaction: %w", err)
	}
	return nil
}

// SpendStepUp loads a session with a step-up by one of its user's devices that no handover has used, and marks it as used. So
// each handover and each witness needs a proof of their own (protocol rule 9). It returns StepUpRequired without one.
func (s *Service) SpendStepUp(tx *account.Tx, session secret.Value) (account.StepUp, account.User, error) {
	ses, u, err := s.Sessions.Load(tx.Reader, session, tx.Op.Now)
	if err != nil {
		return account.StepUp{}, u, err
	}
	if !CanSpend(ses.StepUp, tx.Op.Now) {
		return account.StepUp{}, u, errcode.New(errcode.StepUpRequired)
	}
	ses.StepUp.Spent = true
	return ses.StepUp, u, s.Sessions.Put(tx, session, ses)
}

// CanSpend reports whether SpendStepUp accepts a step-up at now.
func CanSpend(up account.StepUp, now time.Time) bool {
	return up.Fresh(now) && !up.EnrolOnly && !up.SignIn && up.Device != "" && !up.Spent
}
