package helpdesk_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/secret"
	"barillet/store"
)

// follow submits a text from a network and returns its reference and the next cookie of the browser.
func (s *env) follow(t *testing.T, n int, address string, transaction secret.Value, followed string) (reference, next string) {
	t.Helper()
	req := s.From
	req.Address = netip.AddrFrom4([4]byte{198, 51, byte(n), 7})
	reference, next, err := s.Directory.HelpDesk.SubmitAndFollow(t.Context(), req, helpdesk.Submission{Email: address, Message: "lost", Transaction: transaction}, followed)
	if err != nil {
		t.Fatal(err)
	}
	return reference, next
}

// states returns what a browser sees, as "reference state", the newest first.
func (s *env) states(t *testing.T, followed string) string {
	t.Helper()
	sent, err := s.Directory.HelpDesk.Progress(t.Context(), followed)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range sent {
		out = append(out, strings.TrimSpace(p.Reference+" "+string(p.State)))
	}
	return strings.Join(out, ", ")
}

func (s *env) wantStates(t *testing.T, when, followed, want string) {
	t.Helper()
	if got := s.states(t, followed); got != want {
		t.Errorf("%s: got %q, want %q", when, got, want)
	}
}

func TestProgress_UserWithAProvenPasswordFollowsTheRequest(t *testing.T) {
	s := newEnv(t)
	me := helpdesk.Me
	ref, followed := s.follow(t, 1, authntest.Technician, s.SubmitPassword(t, password).Secret, "")
	s.wantStates(t, "sent", followed, ref+" open")
	s.patched(t, authntest.AsHelpDesk, ref, helpdesk.RequestPatch{Assignee: &me})
	s.wantStates(t, "taken", followed, ref+" in_progress")
	s.patched(t, authntest.AsHelpDesk, ref, helpdesk.RequestPatch{Check: calledBack})
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{Reason: "lost", HelpRequest: ref})
	s.wantStates(t, "reset", followed, ref+" resolved")
	other, followed := s.follow(t, 2, authntest.Technician, s.SubmitPassword(t, password).Secret, followed)
	s.patched(t, authntest.AsHelpDesk, other, helpdesk.RequestPatch{Status: helpdesk.StateRejected})
	s.wantStates(t, "another one, rejected", followed, other+" rejected, "+ref+" resolved")

	s.Change(s.Amelie.ID, func(u *account.User) { u.PasswordEpoch++ })
	s.wantStates(t, "after another password", followed, other+", "+ref)
}

// The owner of the cookie knows an address, and is not its user.
func TestAttack_ProgressOfARequestRevealsAnAddress(t *testing.T) {
	s := newEnv(t)
	bruno, _, _ := s.Member("bruno@garage.example", nil)
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, bruno.Login, password)
	if err != nil {
		t.Fatal(err)
	}
	known, length := s.From, 0
	known.Browser = s.SignIn(authntest.Technician, password, s.Phone).Browser
	for i, c := range []struct {
		name, address string
		transaction   secret.Value
		browser       account.RequestInfo
	}{
		{"an unknown address", "nobody@else.example", secret.Value{}, s.From},
		{"a known address", authntest.Technician, secret.Value{}, s.From},
		{"a known address in a browser of its user", authntest.Technician, secret.Value{}, known},
		{"a known address with the password of another user", authntest.Technician, started.Secret, s.From},
		{"an unknown address with the password of a user", "none@else.example", started.Secret, s.From},
		{"the second address of the user whose password is known", authntest.SecondEmail, s.SubmitPassword(t, password).Secret, s.From},
	} {
		req := c.browser
		req.Address = netip.AddrFrom4([4]byte{198, 51, byte(i), 9})
		ref, followed, err := s.Directory.HelpDesk.SubmitAndFollow(t.Context(), req, helpdesk.Submission{Email: c.address, Transaction: c.transaction}, "")
		if err != nil {
			t.Fatal(err)
		}
		if length = cmp.Or(length, len(followed)); len(followed) != length {
			t.Errorf("%s: the cookie has %d characters, want %d", c.name, len(followed), length)
		}
		me := helpdesk.Me
		for _, patch := range []helpdesk.RequestPatch{{Note: "read"}, {Assignee: &me}, {Status: helpdesk.StateRejected}, {Status: helpdesk.StateOpen}, {Status: helpdesk.StateResolved}} {
			s.patched(t, authntest.AsHelpDesk, ref, patch)
			s.wantStates(t, c.name, followed, ref)
		}
		s.Accounts.Store = unreadable{s.Accounts.Store}
		s.wantStates(t, c.name+", without the store", followed, ref)
		s.Accounts.Store = s.Store
	}
}

// unreadable is a store that must not be used.
type unreadable struct{ store.Store }

func (unreadable) View(context.Context, func(store.Snapshot) error) error {
	return errors.New("the store was read")
}

func TestProgress_BrowserFollowsFiveTextsForThirtyDays(t *testing.T) {
	s := newEnv(t)
	followed, want := "", []string(nil)
	for n := range 7 {
		var ref string
		ref, followed = s.follow(t, n, fmt.Sprintf("n%d@else.example", n), secret.Value{}, followed)
		want = append([]string{ref}, want...)
	}
	s.wantStates(t, "seven texts", followed, strings.Join(want[:5], ", "))
	s.wantStates(t, "no cookie", "", "")
	s.wantStates(t, "a forged cookie", strings.ToUpper(followed), "")
	s.wantStates(t, "a cut cookie", followed[:len(followed)-2], "")
	s.Clock.Advance(helpdesk.ProgressTTL - time.Second)
	s.wantStates(t, "for thirty days", followed, strings.Join(want[:5], ", "))
	s.Clock.Advance(time.Second)
	s.wantStates(t, "after them", followed, "")
}
