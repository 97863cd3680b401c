package account

import (
	"context"
	"fmt"
	"strings"

	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// Tx is one change of the store by an operation. Its audit events and emails are stored in the same Update (promise D2).
type Tx struct {
	Reader
	Raw store.Tx
	Op  *Operation
	n   uint64

	result     any   // for a hook
	freezeLink *Link // of OfferFreeze, not stored yet
}

// Update calls fn in one Update of the store and returns the result of the committed call. fn may run more than once and must
// have no effect other than on tx.
func Update[T any](ctx context.Context, s *Service, op *Operation, fn func(tx *Tx) (T, error)) (T, error) {
	return store.Do(ctx, s.Store, func(raw store.Tx) (T, error) {
		tx := &Tx{Reader: Reader{s, raw}, Raw: raw, Op: op}
		out, err := fn(tx)
		return out, tx.runTxHook(ctx, out, err)
	})
}

// NewRecordID returns an id that sorts by time: the time of the operation and 80 bits. Each call returns another id. A repeated
// run of the closure returns the same ids.
func (tx *Tx) NewRecordID(label string) string {
	tx.n++
	return tx.Op.Now.Format(store.TimeLayout) + "-" + strings.ToLower(idEncoding.EncodeToString(tx.Op.draw("row "+label, tx.n)[:10]))
}

// Audit appends an audit event with the address, the User-Agent and the request id of the operation. A repeated refusal is
// folded instead (audit.Fold). While space is low, Audit returns LowSpace for a change that can wait, which then has no effect.
func (tx *Tx) Audit(e audit.Event) error {
	if e.CanWait() && tx.s.LowSpace() {
		return errcode.New(errcode.LowSpace)
	}
	id := tx.NewRecordID("audit")
	admitted, decided := tx.Op.admitted[id]
	e = tx.Op.describe(e)
	if !decided {
		if tx.Op.admitted == nil {
			tx.Op.admitted = map[string]bool{}
		}
		admitted = tx.s.Refusals.Admit(tx.Op.Now, e)
		tx.Op.admitted[id] = admitted
	}
	if !admitted {
		return nil
	}
	return tx.append(id, e)
}

func (tx *Tx) append(id string, e audit.Event) error {
	if err := tx.s.Log.Append(tx.Raw, id, e); err != nil {
		return fmt.Errorf("writing audit event %s: %w", e.Action, err)
	}
	return nil
}

// AuditUser appends an audit event about an operation of the user on their own account.
func (tx *Tx) AuditUser(u *User, action, outcome, reason string) error {
	return tx.Audit(UserEvent(u, action, outcome, reason))
}

// UserEvent returns the event of an operation of the user on their own account.
func UserEvent(u *User, action, outcome, reason string) audit.Event {
	return audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: outcome, Reason: reason}
}

// Save stores a user that was loaded in this transaction, their summary, and their entries in the indexes of roles and states.
// Of an index it writes at most 28 keys if all roles change, and two otherwise.
func (tx *Tx) Save(u *User) error {
	u.Revision++
	u.Changed = tx.Op.Now
	if u.PasswordLink.Epoch != u.Epoch || !tx.Op.Now.Before(u.PasswordLink.Until) {
		u.PasswordLink = PasswordLink{}
	}
	if err := tx.index(u, tx.s.indexed(u)); err != nil {
		return err
	}
	stored := *u
	if stored.Email == stored.Login {
		stored.Email = sameAsLogin
	}
	if err := tx.s.users.Put(tx.Raw, string(u.ID), stored); err != nil {
		return fmt.Errorf("storing user %q: %w", u.ID, err)
	}
	if sum := u.Summarize(); !sum.equal(&u.stored) { // a sign-in does not change the summary
		if err := tx.s.summaries.Put(tx.Raw, string(u.ID), sum); err != nil {
			return fmt.Errorf("storing summary of %q: %w", u.ID, err)
		}
		u.stored = sum
	}
	return nil
}

type txHookKey struct{}

// WithTxHook returns a context. Every Update with that context calls fn before it commits. If fn fails, Update fails. fn may
// run more than once and may write one key. web/api uses it to store the response of an idempotent call (protocol rule 26).
func WithTxHook(ctx context.Context, fn func(tx *Tx) error) context.Context {
	return context.WithValue(ctx, txHookKey{}, fn)
}

// runTxHook calls the hook of the context, if there is one and the closure succeeded. out and err are the results of the closure.
func (tx *Tx) runTxHook(ctx context.Context, out any, err error) error {
	if fn, ok := ctx.Value(txHookKey{}).(func(tx *Tx) error); ok && err == nil {
		if tx.result == nil {
			tx.result = out
		}
		return fn(tx)
	}
	return err
}

// SetResult sets the result that a hook reads, if it is not the result of the closure.
func (tx *Tx) SetResult(result any) { tx.result = result }

// Result returns the result for a hook: that of SetResult, or else that of the closure.
func (tx *Tx) Result() any { return tx.result }
