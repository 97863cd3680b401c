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

// also runs what the context asks for besides.
func (w *Work) also(ctx context.Context) error {
	if fn, ok := ctx.Value(alsoKey{}).(func(w *Work) error); ok {
		return fn(w)
	}
	return nil
}
