package helpdesk_test

import (
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// supportMails returns the emails to support about the form, oldest first.
func (s *env) supportMails() (all []notice.HelpForSupport) {
	for _, m := range s.Mails() {
		if n, is := m.What.(notice.HelpForSupport); is {
			all = append(all, n)
		}
	}
	return all
}

// TestSubmit_SecondRequestJoinsTheOpenOne writes twice, by both addresses of the user.
func TestSubmit_SecondRequestJoinsTheOpenOne(t *testing.T) {
	s := newEnv(t)
	first := s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "It fell."})
	login := s.SubmitPassword(t, password).Secret
	second := s.submit(t, 2, helpdesk.Submission{Email: authntest.SecondEmail, Message: "I am at the front desk.", Transaction: login})
	all := s.requests(t)
	if len(all) != 1 || len(all[0].Texts) != 2 || all[0].Texts[1].Reference != second || !all[0].Texts[1].PasswordProven || all[0].Texts[0].PasswordProven ||
		all[0].TextsByTrust()[0].Reference != second {
		t.Fatalf("got %+v, want one request with two texts", all)
	}
	mails := s.supportMails()
	if len(mails) != 2 || mails[0].Open != "" || mails[1].Open != first || mails[1].Reference != second || mails[1].Message != "I am at the front desk." {
		t.Fatalf("got mails to support %+v", mails)
	}
	if m := mails[1]; m.User != "Amélie Durand" || m.Number != "+33612345678" || !m.PasswordProven || mails[0].PasswordProven {
		t.Errorf("got %+v", m)
	}
	for _, typed := range []string{first, second, "h-" + second[2:6] + second[7:], all[0].ID} {
		if got, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, typed); err != nil || got.ID != all[0].ID {
			t.Errorf("%q: got %q, %v", typed, got.ID, err)
		}
	}
	for _, typed := range []string{"H-0000-0000", "H-0000-0000-0000", "H-UUUU-UUUU-UUUU", "H-" + first, "H", "of-x"} {
		_, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, typed)
		authntest.WantCode(t, typed, err, errcode.NotFound)
	}
	_, err := s.Directory.HelpDesk.Request(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Nord), second)
	authntest.WantCode(t, "by a manager of another garage", err, errcode.NotFound)
	// A text about an unknown address joins only one about the same address.
	s.submit(t, 3, helpdesk.Submission{Email: "x@else.example", Message: "a"})
	s.submit(t, 4, helpdesk.Submission{Email: "y@else.example", Message: "b"})
	s.submit(t, 5, helpdesk.Submission{Email: "x@else.example", Message: "c"})
	if all := s.requests(t); len(all) != 3 || len(all[1].Texts) != 2 || len(all[2].Texts) != 1 {
		t.Errorf("got %d requests: %+v", len(all), all)
	}
}

// TestAttack_UserIDAsAnAddress writes in the name of a user by the id that applications read as "sub". What the user writes
// joined that text, which names no user: the user's manager read neither.
func TestAttack_UserIDAsAnAddress(t *testing.T) {
	s := newEnv(t)
	s.submit(t, 1, helpdesk.Submission{Email: string(s.Amelie.ID), Message: "never mind"})
	ref := s.submit(t, 2, helpdesk.Submission{Email: authntest.Technician, Message: "my phone is gone"})
	manager := authntest.Limited(authntest.AsHelpDesk, s.Amelie.Groups...)
	got, err := s.Directory.HelpDesk.Request(t.Context(), manager, ref)
	if err != nil || got.User != s.Amelie.ID || got.Texts[0].Message != "my phone is gone" {
		t.Errorf("got %+v, %v, want a request of the user", got, err)
	}
	if r := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{Check: calledBack}); r.HelpRequest != got.ID {
		t.Errorf("got %+v, want that request answered", r)
	}
}

// TestReset_WithoutTheRequest resets without naming the open help request of the user.
func TestReset_WithoutTheRequestAnswersTheOpenOneIfTheIdentityWasChecked(t *testing.T) {
	for _, checked := range []bool{true, false} {
		s := newEnv(t)
		ref := s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "lost"})
		r := helpdesk.ResetRequest{}
		if checked {
			r.Check = calledBack
		}
		got := s.Reset(t, authntest.AsHelpDesk, r)
		c := s.requests(t)[0]
		event := s.Events(audit.FactorsReset)[0]
		if checked && (c.State != helpdesk.StateResolved || got.HelpRequest != c.ID || got.OpenRequest != "" || event.Detail["helpRequestId"] != c.ID) {
			t.Errorf("with an identity check: got %s, %+v, %v, want it answered", c.State, got, event.Detail)
		}
		if !checked && (c.State != helpdesk.StateOpen || got.HelpRequest != "" || got.OpenRequest != ref || event.Detail["openHelpRequestId"] != c.ID) {
			t.Errorf("without: got %s, %+v, %v, want it named", c.State, got, event.Detail)
		}
	}
	s := newEnv(t)
	ref := s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "lost"})
	if got := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: ref, Check: calledBack}); got.HelpRequest != s.requests(t)[0].ID {
		t.Errorf("by its reference: got %+v", got)
	}
	if got := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{}); got.OpenRequest != "" || !got.Repeated {
		t.Errorf("again: got %+v", got)
	}
}
