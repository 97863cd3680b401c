package directory_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

func TestRevokeSessions_EndsListedSessions(t *testing.T) {
	for _, forget := range []bool{false, true} {
		s := newEnv(t)
		s.Clock.Advance(time.Minute)
		issued := s.SignIn(authntest.Technician, password, s.Phone)
		login := s.SubmitPassword(t, password).Secret
		_, open, err := s.Directory.Sessions(t.Context(), authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), authntest.Technician)
		if err != nil || len(open) != 2 || !open[0].Since.After(open[1].Since) || open[0].Address != s.From.Address.String() || open[0].Current {
			t.Fatalf("got %+v, %v, want both, the last seen first", open, err)
		}
		browsers := len(s.User(authntest.Technician).Browsers)
		if err := s.Directory.RevokeSessions(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, forget); err != nil {
			t.Fatal(err)
		}
		s.WantSignedOut(t, s.Session)
		s.WantSignedOut(t, issued.Session)
		_, err = s.VerifyCode(t.Context(), login, s.Phone.Next())
		authntest.WantCode(t, "a login under way", err, errcode.Expired)
		want := browsers
		if forget {
			want = 0
		}
		if u := s.User(authntest.Technician); len(u.Browsers) != want || len(u.Devices) == 0 {
			t.Errorf("got %d browsers and %d devices, want %d browsers", len(u.Browsers), len(u.Devices), want)
		}
		events := s.Events(audit.SessionsCleared)
		if len(events) != 1 || events[0].Detail["sessions"] != "2" || events[0].Actor.ID != authntest.AsHelpDesk.ID {
			t.Errorf("got events %+v, want one that counts both", events)
		}
		if _, open, err := s.Directory.Sessions(t.Context(), authntest.AsHelpDesk, authntest.Technician); err != nil || len(open) != 0 {
			t.Errorf("afterwards: got %+v, %v", open, err)
		}
	}
}

func TestSessions_Permissions(t *testing.T) {
	s := newEnv(t)
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	for _, c := range []struct {
		name     string
		op       admin.Principal
		id       account.UserID
		see, end errcode.Code
	}{
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Amelie.ID, ok, no},
		{"support", authntest.AsHelpDesk, s.Amelie.ID, ok, ok},
		{"support on an equal role", authntest.AsHelpDesk, s.Manager.ID, ok, no},
		{"a super administrator on an equal one", authntest.AsSuperAdmin, s.Administrator.ID, ok, no},
		{"the operator", authntest.AsOperator, s.Administrator.ID, ok, ok},
		{"a manager", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), s.Amelie.ID, ok, ok},
		{"a manager of another garage", authntest.Limited(authntest.AsHelpDesk, s.Nord), s.Amelie.ID, hidden, hidden},
		{"the zero principal", admin.Principal{}, s.Amelie.ID, no, no},
	} {
		_, _, err := s.Directory.Sessions(t.Context(), c.op, string(c.id))
		authntest.WantCode(t, c.name+": see", err, c.see)
		authntest.WantCode(t, c.name+": end", s.Directory.RevokeSessions(t.Context(), c.op, s.From, string(c.id), true), c.end)
	}
}

// Ending sessions is never refused, so a stolen API token can repeat it without a limit.
func TestAttack_RepeatedSignOutsByATokenFillNoLog(t *testing.T) {
	s := newEnv(t)
	for range 50 {
		s.Clock.Advance(time.Second)
		if err := s.Directory.RevokeSessions(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Events(audit.SessionsCleared)); n > 6 {
		t.Errorf("50 calls, of which one ended a session, wrote %d events", n)
	}
}
