package helpdesk_test

import (
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
)

// A code on screen is for a user who stands before the screen. Read out on the telephone it would be for who called.
func TestAttack_CodeReadOutOnTheTelephone(t *testing.T) {
	for name, check := range map[string]*helpdesk.IdentityCheck{
		"called back":             calledBack,
		"confirmed by a manager":  {Method: helpdesk.IdentityManager, By: "Karim"},
		"a photo document":        {Method: helpdesk.IdentityDocument},
		"in person":               inPerson,
		"the operator's own word": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s, reason := newEnv(t), errcode.ReasonNotPresent
			if check == calledBack {
				reason = errcode.ReasonCalledBack
			}
			_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, s.From, authntest.Technician, helpdesk.ResetRequest{ShowCode: true, Check: check})
			if check == nil || check == inPerson {
				authntest.WantCode(t, "the reset", err, "")
				return
			}
			if !errcode.HasReason(err, reason) {
				t.Errorf("got %v", err)
			}
			if u := s.User(authntest.Technician); len(u.Devices) != 1 || len(u.Tickets) != 0 {
				t.Errorf("got %d devices, %d tickets", len(u.Devices), len(u.Tickets))
			}
			if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: authntest.Technician, Message: "lost"}); err != nil {
				t.Fatal(err)
			}
			requests, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, requests[0].ID, helpdesk.RequestPatch{Check: check}); err != nil {
				t.Fatal(err)
			}
			_, err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, s.From, authntest.Technician, helpdesk.ResetRequest{ShowCode: true})
			if !errcode.HasReason(err, reason) {
				t.Errorf("by the check of the help request: got %v", err)
			}
			s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{ShowCode: true, Check: inPerson})
		})
	}
}
