package account

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"barillet/internal/audit"
	"barillet/store"
)

// Tx is one change under way: a Reader with its Tx, the act that causes it, and what the act writes
// besides: events and mails, in the same Update (BAR D2).
type Tx struct {
	Reader
	Raw store.Tx
	Op  *Operation
	n   uint64

	result any // for Also
}

// Update makes one change. fn may run more than once and touches nothing but its Work; the result is that of the
// run which was committed. The mail sender is woken afterwards.
func Update[T any](ctx context.Context, s *Service, op *Operation, fn func(w *Tx) (T, error)) (T, error) {
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (T, error) {
		w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op}
		out, err := fn(w)
		if err == nil {
			err = w.runTxHook(ctx, out)
		}
		return out, err
	})
	if err == nil && s.Wake != nil {
		s.Wake()
	}
	return out, err
}

// NewRecordID is the id of one more row that is kept in the order of time: the time, then 80 bits. A run that is
// repeated gives its rows the same ids.
func (tx *Tx) NewRecordID(label string) string {
	tx.n++
	return tx.Op.Now.Format(store.TimeLayout) + "-" + strings.ToLower(idEncoding.EncodeToString(tx.Op.draw("row "+label, tx.n)[:10]))
}

// Audit appends an event; time, address, agent and request are the act's own.
func (tx *Tx) Audit(e audit.Event) error {
	e.Request, e.Address, e.Agent = tx.Op.Request.RequestID, tx.Op.Request.ClientAddress(), tx.Op.Request.Agent
	if program := tx.Op.Request.APIToken; program != "" {
		e.Detail = maps.Clone(e.Detail)
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail["program"] = program
	}
	if err := tx.s.Log.Append(tx.Raw, tx.NewRecordID("audit"), e); err != nil {
		return fmt.Errorf("writing audit event %s: %w", e.Action, err)
	}
	return nil
}

// AuditUser appends an event of the person themselves about themselves.
func (tx *Tx) AuditUser(u *User, action, outcome, reason string) error {
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: outcome, Reason: reason})
}

// Save stores a person that was loaded in this run, with everything derived from them.
func (tx *Tx) Save(u *User) error {
	u.Revision++
	u.Changed = tx.Op.Now
	if err := tx.s.users.Put(tx.Raw, string(u.ID), *u); err != nil {
		return fmt.Errorf("storing user %q: %w", u.ID, err)
	}
	if st := u.Summarize(); !st.equal(&u.stored) { // a sign-in changes nothing of it: one page less to sync
		if err := tx.s.summaries.Put(tx.Raw, string(u.ID), st); err != nil {
			return fmt.Errorf("storing standing of %q: %w", u.ID, err)
		}
		u.stored = st
	}
	return nil
}

type txHookKey struct{}

// WithTxHook has fn run at the end of every change that is made under this context, in the same Update: what it
// writes is stored with the act or not at all, and its error undoes the act. Like any Update closure it may run
// twice and touches nothing but its Work; one change may be followed by others of the same call. It is for the
// doors, which remember that a request was done (PROTOCOL 26), and leaves room for one key.
func WithTxHook(ctx context.Context, fn func(tx *Tx) error) context.Context {
	return context.WithValue(ctx, txHookKey{}, fn)
}

// runTxHook runs what the context asks for besides, after a change that came to out.
func (tx *Tx) runTxHook(ctx context.Context, out any) error {
	if fn, ok := ctx.Value(txHookKey{}).(func(tx *Tx) error); ok {
		if tx.result == nil {
			tx.result = out
		}
		return fn(tx)
	}
	return nil
}

// SetResult says what the change came to, for whoever asked by Also, where that is not what its closure returns.
func (tx *Tx) SetResult(outcome any) { tx.result = outcome }

// Result is what the change came to, for the function given to Also: what Answer said, else what the closure returned.
func (tx *Tx) Result() any { return tx.result }
