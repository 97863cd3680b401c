package helpdesk

import (
	"context"

	"barillet/authn"
	"barillet/factors"
)

// signingIn is where an operator's program signs people in from: everything that follows is bound to the token.
func (op Operator) signingIn(from authn.Origin) (authn.Origin, error) {
	if err := op.signsIn(); err != nil {
		return authn.Origin{}, err
	}
	from.Program = op.ID
	return from, nil
}

// SignIn judges a password that a program was given. Whom the operator does not see is a stranger. CodeForbidden without
// the allowance (PROTOCOL 25); CodeSignIn, CodeWait as on the page.
func (d *Desk) SignIn(ctx context.Context, op Operator, from authn.Origin, identifier, password string) (authn.Transaction, error) {
	from, err := op.signingIn(from)
	if err != nil {
		return authn.Transaction{}, err
	}
	return d.People.StartProgram(ctx, from, identifier, password, op.sees)
}

// SignInState tells where a sign-in stands that this token began; CodeExpired for any other, and for that of a person whom
// the operator does not see any more (PROTOCOL 20).
func (d *Desk) SignInState(ctx context.Context, op Operator, from authn.Origin, state authn.Secret) (authn.Transaction, error) {
	from, err := op.signingIn(from)
	if err != nil {
		return authn.Transaction{}, err
	}
	t, err := d.People.Transaction(ctx, from, state)
	if err != nil || !op.scoped() {
		return t, err
	}
	within := false
	err = d.People.View(ctx, func(r authn.Reader) (err error) {
		within, err = op.knows(r, string(t.User.ID))
		return err
	})
	if err == nil && !within {
		err = authn.Refuse(authn.CodeExpired)
	}
	if err != nil {
		return authn.Transaction{}, err
	}
	return t, nil
}

// SignInCode judges a code of one device in a sign-in that this token began.
func (d *Desk) SignInCode(ctx context.Context, op Operator, from authn.Origin, state authn.Secret, fid factors.DeviceID, code []byte) (authn.Transaction, authn.Judged, error) {
	from, err := op.signingIn(from)
	if err != nil {
		return authn.Transaction{}, authn.Judged{}, err
	}
	if _, err := d.SignInState(ctx, op, from, state); err != nil {
		return authn.Transaction{}, authn.Judged{}, err
	}
	return d.People.FinishProgram(ctx, from, state, fid, code)
}

// CancelSignIn ends a sign-in that this token began.
func (d *Desk) CancelSignIn(ctx context.Context, op Operator, from authn.Origin, state authn.Secret) error {
	from, err := op.signingIn(from)
	if err != nil {
		return err
	}
	return d.People.CancelProgram(ctx, from, state)
}
