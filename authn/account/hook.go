package account

import "context"

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
