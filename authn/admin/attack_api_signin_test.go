package admin_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// TestAttack_APISignInAfterScopeChange: the owner of a token is limited to another group between password and code.
func TestAttack_APISignInAfterScopeChange(t *testing.T) {
	s := newEnv(t)
	p := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	p.CanSignInUsers = true
	began, err := s.Directory.Admin.SignIn(t.Context(), p, s.From, authntest.Technician, password)
	if err != nil || began.Step != authn.StepVerify {
		t.Fatalf("got %q, %v", began.Step, err)
	}
	device, code := began.Devices[0].ID, s.Phone.Next()
	elsewhere := authntest.Limited(p, s.Nord)
	_, err = s.Directory.Admin.SignInState(t.Context(), elsewhere, s.From, began.State)
	authntest.WantCode(t, "where it stands", err, errcode.Expired)
	_, _, err = s.Directory.Admin.SignInCode(t.Context(), elsewhere, s.From, began.State, device, code)
	authntest.WantCode(t, "the code", err, errcode.Expired)
	done, _, err := s.Directory.Admin.SignInCode(t.Context(), p, s.From, began.State, device, code)
	if err != nil || done.Step != authn.StepDone {
		t.Errorf("in scope: got %q, %v", done.Step, err)
	}
}
