package helpdesk_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors"
)

// mailed returns the names of the emails to an address.
func (s *env) mailed(to string) (names []string) {
	for _, m := range s.Mails() {
		if m.To == to {
			names = append(names, m.What.Name())
		}
	}
	return names
}

// Acknowledgements of help requests in the name of a user use up no email of another kind.
func TestAttack_HelpRequestsWithholdNoOtherEmail(t *testing.T) {
	s := newEnv(t)
	for i := range 14 {
		typed := []string{authntest.Technician, authntest.SecondEmail}[i%2]
		s.submit(t, i, helpdesk.Submission{Email: typed})
	}
	s.EmptyOutbox()
	if err := s.Directory.HelpDesk.RequestPasswordLink(t.Context(), s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	if got := s.mailed(authntest.Technician); !slices.Contains(got, "password_link") {
		t.Errorf("after 14 help requests in their name, the user gets no password link: %v", got)
	}
	s.EmptyOutbox()
	thief := account.RequestInfo{Address: netip.MustParseAddr("203.0.113.5")}
	started, err := s.Authn.StartWithPassword(t.Context(), thief, authntest.Technician, password)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Authn.Verify(t.Context(), thief, started.Secret, factors.InputCode, []byte("000000")); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.mailed(authntest.Technician); !slices.Contains(got, "wrong_codes") {
		t.Errorf("after 14 help requests in their name, the user gets no email about wrong codes: %v", got)
	}
}

// The emails to support about one address are used up in the name of a user, who then reports a stolen phone.
func TestAttack_HelpRequestsWithholdNoEmailAboutTheUsersOwn(t *testing.T) {
	for _, kind := range []string{"known browser", "proven password"} {
		s := newEnv(t)
		for i := range 10 {
			s.submit(t, i, helpdesk.Submission{Email: authntest.Technician})
		}
		s.EmptyOutbox()
		s.own(t, kind, "My phone was stolen.")
		if got := s.mailed("support@garage.example"); len(got) != 1 {
			t.Errorf("%s: got %d emails to support about the user's own text, want 1", kind, len(got))
		}
		if got := s.mailed(authntest.Technician); len(got) != 1 {
			t.Errorf("%s: got %d acknowledgements, want 1", kind, len(got))
		}
	}
}

// A thief of a password has the same limit in every network, and does not use that of a known browser.
func TestAttack_AStolenPasswordSendsFiveEmailsToSupport(t *testing.T) {
	s := newEnv(t)
	for i := range 10 {
		s.submit(t, i, helpdesk.Submission{Email: authntest.Technician, Transaction: s.SubmitPassword(t, password).Secret})
	}
	if got := s.mailed("support@garage.example"); len(got) != 5 {
		t.Errorf("got %d emails to support, want 5", len(got))
	}
	s.Clock.Advance(time.Minute)
	s.EmptyOutbox()
	s.own(t, "known browser", "My phone was stolen.")
	if got := s.mailed("support@garage.example"); len(got) != 1 {
		t.Errorf("got %d emails to support about the text of a known browser, want 1", len(got))
	}
}
