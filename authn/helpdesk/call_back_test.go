package helpdesk_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// request submits a help request of the technician and returns its reference.
func (s *env) request(t *testing.T) string {
	t.Helper()
	ref, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: authntest.Technician, Topic: string(notice.TopicPhoneLost), Message: "lost"})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// call records a call back to the technician.
func (s *env) call(t *testing.T, ref string, k helpdesk.IdentityCheck) (helpdesk.Request, error) {
	t.Helper()
	k.Method = helpdesk.IdentityCalledBack
	return s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, ref, helpdesk.RequestPatch{Check: &k})
}

// numbers returns the numbers of a help request as text.
func (s *env) numbers(t *testing.T, ref string) string {
	t.Helper()
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, ref)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Directory.HelpDesk.NumbersOf(t.Context(), authntest.AsHelpDesk, &c)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, n := range all {
		out = append(out, n.Member+" "+n.Number+map[bool]string{true: " young"}[n.Young])
	}
	return strings.Join(out, ", ")
}

// TestAttack_NumberChangedFirstAndThenCalledBack: a fooled administrator writes the attacker's number, and a fooled agent calls it.
func TestAttack_NumberChangedFirstAndThenCalledBack(t *testing.T) {
	s := newEnv(t)
	attacker := "+44 20 7946 0958"
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{MobilePhone: &attacker}); err != nil {
		t.Fatal(err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"phone_changed to " + authntest.Technician, "phone_changed to " + authntest.SecondEmail})
	events := s.Events(audit.PhoneUpdated)
	if len(events) != 1 || events[0].Detail["changed"] != "mobilePhone" || events[0].Detail["mobilePhone"] != "…0958" {
		t.Errorf("got events %+v", events)
	}
	u := s.User(authntest.Technician)
	if p := u.MobilePhone; p.By != authntest.AsSuperAdmin.Owner || !p.Since.Equal(s.Clock.Now()) {
		t.Errorf("got %+v, want who wrote it and when", p)
	}
	ref := s.request(t)
	if m := authntest.Mailed[notice.HelpForSupport](t, s.Env, ""); m.Number != "" {
		t.Errorf("support got the number %q, want none to call", m.Number)
	}
	s.Clock.Advance(72*time.Hour - 2*time.Second)
	if got := s.numbers(t, ref); got != "mobilePhone +442079460958 young" {
		t.Errorf("got %q", got)
	}
	for _, k := range []helpdesk.IdentityCheck{{}, {Number: "mobilePhone"}, {Number: "primaryPhone"}, {Result: helpdesk.CallNotReached}} {
		_, err := s.call(t, ref, k)
		authntest.WantCode(t, "calling "+k.Number, err, errcode.WrongState)
		if !errcode.HasReason(err, errcode.ReasonNoNumber) {
			t.Errorf("got %v, want the reason", err)
		}
	}
	for _, named := range []string{ref, ""} {
		_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: named, Check: calledBack})
		authntest.WantCode(t, "the reset", err, errcode.WrongState)
	}
	if got := s.User(authntest.Technician); len(got.Devices) == 0 || len(got.Tickets) != 0 {
		t.Error("the devices are gone")
	}
	s.Clock.Advance(2 * time.Second)
	if c, err := s.call(t, ref, helpdesk.IdentityCheck{}); err != nil || c.Identity != helpdesk.IdentityCalledBack {
		t.Errorf("after 72 hours: got %q, %v", c.Identity, err)
	}
}

// TestAttack_SecondNumberAdded: the old number stays the one to call beside a new one.
func TestAttack_SecondNumberAdded(t *testing.T) {
	s := newEnv(t)
	attacker := "+44 20 7946 0958"
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{PrimaryPhone: &attacker}); err != nil {
		t.Fatal(err)
	}
	ref := s.request(t)
	if got := s.numbers(t, ref); got != "mobilePhone +33612345678, primaryPhone +442079460958 young" {
		t.Errorf("got %q", got)
	}
	_, err := s.call(t, ref, helpdesk.IdentityCheck{Number: "primaryPhone"})
	authntest.WantCode(t, "calling the new one", err, errcode.WrongState)
	c, err := s.call(t, ref, helpdesk.IdentityCheck{})
	if err != nil || c.IdentityNumber != "…5678" {
		t.Errorf("got %q, %v, want the old one called", c.IdentityNumber, err)
	}
}

// TestCallBack_OnlyAConfirmedCallIsACheck: every result is in the history, and one of them is an identity check.
func TestCallBack_OnlyAConfirmedCallIsACheck(t *testing.T) {
	for result, check := range map[helpdesk.CallResult]bool{"": true, helpdesk.CallConfirmed: true, helpdesk.CallNotReached: false, helpdesk.CallWrongPerson: false, helpdesk.CallRefused: false} {
		t.Run(string(result), func(t *testing.T) {
			s := newEnv(t)
			ref := s.request(t)
			c, err := s.call(t, ref, helpdesk.IdentityCheck{Result: result})
			if err != nil {
				t.Fatal(err)
			}
			last, e := c.History[len(c.History)-1], s.Events(audit.HelpUpdated)[0]
			if last.Name != authntest.AsHelpDesk.Name || !last.At.Equal(s.Clock.Now()) || strings.Contains(last.Text+e.Detail["identityNumber"]+e.Detail["callNumber"], "612345678") {
				t.Errorf("got %+v and %v, want who called when, and the end of the number", last, e.Detail)
			}
			_, err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: ref})
			if check {
				authntest.WantCode(t, "the reset", err, "")
				if last.What != "identity" || last.Text != "called_back: …5678" || e.Detail["identity"] != "called_back" || e.Detail["identityNumber"] != "…5678" || c.Identity == "" {
					t.Errorf("got %+v and %v", last, e.Detail)
				}
				return
			}
			authntest.WantCode(t, "the reset", err, errcode.WrongState)
			if last.What != "call" || last.Text != string(result)+": …5678" || e.Detail["identity"] != "" || e.Detail["call"] != string(result) || c.Identity != "" {
				t.Errorf("got %+v and %v", last, e.Detail)
			}
			_, err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician,
				helpdesk.ResetRequest{HelpRequest: ref, Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack, Result: result}})
			authntest.WantCode(t, "the reset with that call", err, errcode.WrongState)
		})
	}
}

// TestCallBack_UserWhoRefusesEndsAnEarlierCheck: a manager was fooled, and the user says on the phone that they asked for nothing.
func TestCallBack_UserWhoRefusesEndsAnEarlierCheck(t *testing.T) {
	s := newEnv(t)
	for result, left := range map[helpdesk.CallResult]bool{helpdesk.CallNotReached: true, helpdesk.CallWrongPerson: false, helpdesk.CallRefused: false} {
		ref := s.request(t)
		_, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, ref, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityManager, By: "Karim"}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.call(t, ref, helpdesk.IdentityCheck{Result: result})
		if err != nil || (c.Identity != "") != left {
			t.Errorf("%s: got the check %q, %v", result, c.Identity, err)
		}
	}
}

// TestCallBack_TicketIsNeverReadOut: the code or link of a user who was called back goes to the address on file only.
func TestCallBack_TicketIsNeverReadOut(t *testing.T) {
	s := newEnv(t)
	ref := s.request(t)
	if _, err := s.call(t, ref, helpdesk.IdentityCheck{}); err != nil {
		t.Fatal(err)
	}
	no := false
	for name, r := range map[string]helpdesk.ResetRequest{"code": {ShowCode: true}, "link": {SendEmail: &no}} {
		for _, named := range []string{ref, ""} {
			for _, check := range []*helpdesk.IdentityCheck{nil, calledBack} {
				r.HelpRequest, r.Check = named, check
				_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.WithSecrets(authntest.AsOperator), s.From, authntest.Technician, r)
				authntest.WantCode(t, "a "+name, err, errcode.WrongState)
				if !errcode.HasReason(err, errcode.ReasonCalledBack) {
					t.Errorf("a %s: got %v, want the reason", name, err)
				}
			}
		}
	}
	if r := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: ref}); !r.Mailed {
		t.Errorf("got %+v, want the ticket mailed", r)
	}
}

func TestCallBack_RejectsOtherFields(t *testing.T) {
	s := newEnv(t)
	ref := s.request(t)
	for field, k := range map[string]helpdesk.IdentityCheck{
		"identityCheck.number": {Method: helpdesk.IdentityDocument, Number: "mobilePhone"},
		"identityCheck.result": {Method: helpdesk.IdentityDocument, Result: helpdesk.CallConfirmed},
	} {
		_, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, ref, helpdesk.RequestPatch{Check: &k})
		authntest.WantCode(t, field, err, errcode.Invalid)
	}
	for _, k := range []helpdesk.IdentityCheck{{Number: "+33612345678"}, {Result: "yes"}} {
		_, err := s.call(t, ref, k)
		authntest.WantCode(t, k.Number+string(k.Result), err, errcode.Invalid)
	}
	unknown, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: "nobody@garage.example", Message: "?"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.call(t, unknown, helpdesk.IdentityCheck{})
	authntest.WantCode(t, "an unknown address", err, errcode.WrongState)
}
