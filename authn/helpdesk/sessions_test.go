package helpdesk_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

func TestAnOperatorSeesWhereSomebodyIsSignedInAndEndsIt(t *testing.T) {
	for _, forget := range []bool{false, true} {
		s := openShop(t)
		s.Clock.Advance(time.Minute)
		issued := s.SignIn(technician, password, s.phone)
		login := s.signIn(t, password).Secret
		_, open, err := s.Directory.Sessions(t.Context(), withRole(root, account.RoleReadOnly), technician)
		if err != nil || len(open) != 2 || !open[0].Since.After(open[1].Since) || open[0].Address != s.From.Address.String() || open[0].Current {
			t.Fatalf("got %+v, %v, want both, the last seen first", open, err)
		}
		browsers := len(s.User(technician).Browsers)
		if err := s.Directory.EndSessions(t.Context(), support, s.From, technician, forget); err != nil {
			t.Fatal(err)
		}
		s.dead(t, s.session)
		s.dead(t, issued.Session)
		_, err = verifies(t.Context(), s, login, s.phone.Next())
		wantCode(t, "a login under way", err, errcode.Expired)
		want := browsers
		if forget {
			want = 0
		}
		if u := s.User(technician); len(u.Browsers) != want || len(u.Devices) == 0 {
			t.Errorf("got %d browsers and %d devices, want %d browsers", len(u.Browsers), len(u.Devices), want)
		}
		events := s.Events(audit.SessionsCleared)
		if len(events) != 1 || events[0].Detail["sessions"] != "2" || events[0].Actor.ID != support.ID {
			t.Errorf("got events %+v, want one that counts both", events)
		}
		if _, open, err := s.Directory.Sessions(t.Context(), support, technician); err != nil || len(open) != 0 {
			t.Errorf("afterwards: got %+v, %v", open, err)
		}
	}
}

func TestWhoseSessionsAnOperatorMayEnd(t *testing.T) {
	s := openShop(t)
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	for _, c := range []struct {
		name     string
		op       admin.Principal
		id       account.UserID
		see, end errcode.Code
	}{
		{"who reads only", withRole(root, account.RoleReadOnly), s.amelie.ID, ok, no},
		{"support", support, s.amelie.ID, ok, ok},
		{"support on an equal role", support, s.manager.ID, ok, no},
		{"a super administrator on an equal one", root, s.admin.ID, ok, no},
		{"the machine's owner", machine, s.admin.ID, ok, ok},
		{"a manager", limited(support, s.garage), s.amelie.ID, ok, ok},
		{"a manager of another garage", limited(support, s.other), s.amelie.ID, hidden, hidden},
		{"nobody", admin.Principal{}, s.amelie.ID, no, no},
	} {
		_, _, err := s.Directory.Sessions(t.Context(), c.op, string(c.id))
		wantCode(t, c.name+": see", err, c.see)
		wantCode(t, c.name+": end", s.Directory.EndSessions(t.Context(), c.op, s.From, string(c.id), true), c.end)
	}
}
