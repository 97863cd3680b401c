package admin

import (
	"context"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// bindToToken checks that p may use API sign-in and binds the request to its token.
func (p Principal) bindToToken(req account.RequestInfo) (account.RequestInfo, error) {
	if err := p.RequireSignIn(); err != nil {
		return account.RequestInfo{}, err
	}
	req.APIToken = p.ID
	return req, nil
}

// SignIn starts an API sign-in with a password. A user outside the scope of p is treated as unknown. It returns
// Forbidden if p may not use API sign-in (protocol rule 25), and SignInFailed or RateLimited as the sign-in page does.
func (s *Service) SignIn(ctx context.Context, p Principal, req account.RequestInfo, identifier, password string) (authn.APISignIn, error) {
	req, err := p.bindToToken(req)
	if err != nil {
		return authn.APISignIn{}, err
	}
	return s.signIn.StartAPISignIn(ctx, req, identifier, password, p.InScope)
}

// SignInState returns an API sign-in that this token started. It returns Expired for any other sign-in, and if the user
// is no longer in the scope of p (protocol rule 20).
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
		within, err = p.HasInScope(r, t.User.ID)
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

// SignInCode verifies a code of one device in an API sign-in that this token started.
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

// CancelSignIn ends an API sign-in that this token started.
func (s *Service) CancelSignIn(ctx context.Context, p Principal, req account.RequestInfo, state secret.Value) error {
	req, err := p.bindToToken(req)
	if err != nil {
		return err
	}
	return s.signIn.CancelAPISignIn(ctx, req, state)
}
