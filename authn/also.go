package authn

import "context"

type alsoKey struct{}

// Also has fn run at the end of every change that is made under this context, in the same Update: what it
// writes is stored with the act or not at all, and its error undoes the act. Like any Update closure it may run
// twice and touches nothing but its Work; one change may be followed by others of the same call. It is for the
// doors, which remember that a request was done (PROTOCOL 26), and leaves room for one key.
func Also(ctx context.Context, fn func(w *Work) error) context.Context {
	return context.WithValue(ctx, alsoKey{}, fn)
}

// also runs what the context asks for besides, after a change that came to out.
func (w *Work) also(ctx context.Context, out any) error {
	if fn, ok := ctx.Value(alsoKey{}).(func(w *Work) error); ok {
		if w.outcome == nil {
			w.outcome = out
		}
		return fn(w)
	}
	return nil
}

// Answer says what the change came to, for whoever asked by Also, where that is not what its closure returns.
func (w *Work) Answer(outcome any) { w.outcome = outcome }

// Outcome is what the change came to, for the function given to Also: what Answer said, else what the closure returned.
func (w *Work) Outcome() any { return w.outcome }
