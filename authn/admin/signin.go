package admin

import (
	"context"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// bindToToken is where an operator's program signs people in from: everything that follows is bound to the token.
func (p Principal) bindToToken(req account.RequestInfo) (account.RequestInfo, error) {
	if err := p.RequireSignIn(); err != nil {
		return account.RequestInfo{}, err
	}
	req.APIToken = p.ID
	return req, nil
}

// SignIn judges a password that a program was given. Whom the operator does not see is a stranger. Forbidden without
// the allowance (PROTOCOL 25); SignInFailed, RateLimited as on the page.
func (s *Service) SignIn(ctx context.Context, p Principal, req account.RequestInfo, identifier, password string) (authn.APISignIn, error) {
	req, err := p.bindToToken(req)
	if err != nil {
		return authn.APISignIn{}, err
	}
	return s.signIn.StartAPISignIn(ctx, req, identifier, password, p.InScope)
}

// SignInState tells where a sign-in stands that this token began; Expired for any other, and for that of a person whom
// the operator does not see any more (PROTOCOL 20).
func (s *Service) SignInState(ctx context.Context, p Principal, req account.RequestInfo, state secret.Value) (authn.APISignIn, error) {
	req, err := p.bindToToken(req)
	if err != nil {
		return authn.APISignIn{}, err
	}
	t, err := s.signIn.APISignIn(ctx, req, state)
	if err != nil || !p.Scoped() {
		return t, err
	}
	within := false
	err = s.Accounts.View(ctx, func(r account.Reader) (err error) {
		within, err = p.hasInScope(r, string(t.User.ID))
		return err
	})
	if err == nil && !within {
		err = errcode.New(errcode.Expired)
	}
	if err != nil {
		return authn.APISignIn{}, err
	}
	return t, nil
}

// SignInCode judges a code of one device in a sign-in that this token began.
func (s *Service) SignInCode(ctx context.Context, p Principal, req account.RequestInfo, state secret.Value, fid factors.DeviceID, code []byte) (authn.APISignIn, authn.Verification, error) {
	req, err := p.bindToToken(req)
	if err != nil {
		return authn.APISignIn{}, authn.Verification{}, err
	}
	if _, err := s.SignInState(ctx, p, req, state); err != nil {
		return authn.APISignIn{}, authn.Verification{}, err
	}
	return s.signIn.VerifyAPISignIn(ctx, req, state, fid, code)
}

// CancelSignIn ends a sign-in that this token began.
func (s *Service) CancelSignIn(ctx context.Context, p Principal, req account.RequestInfo, state secret.Value) error {
	req, err := p.bindToToken(req)
	if err != nil {
		return err
	}
	return s.signIn.CancelAPISignIn(ctx, req, state)
}
