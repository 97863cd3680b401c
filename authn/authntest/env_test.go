package authntest_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

func TestEnv_MemberSignsIn(t *testing.T) {
	e := authntest.New(t)
	u, phone, session := e.Member("amelie@garage.example", nil)
	if info, err := e.Sessions.Authenticate(t.Context(), session); err != nil || info.User != u.ID {
		t.Errorf("the session of the enrolment: got %v, %v", info, err)
	}
	issued := e.SignIn("amelie@garage.example", authntest.Password, phone)
	if info, err := e.Sessions.Authenticate(t.Context(), issued.Session); err != nil || info.User != u.ID {
		t.Errorf("the session of the sign-in: got %v, %v", info, err)
	}
	if got := len(e.Events(audit.SessionStart)); got == 0 {
		t.Error("got no audit event of the sign-in")
	}
	if len(e.Mails()) == 0 {
		t.Error("got no notification of the device")
	}
	e.EmptyOutbox()
	e.Change(u.ID, func(u *account.User) { u.FirstName = "Amélie" })
	if got := e.User(string(u.ID)).FirstName; got != "Amélie" || len(e.Mails()) != 0 {
		t.Errorf("got name %q and %d emails, want Amélie and none", got, len(e.Mails()))
	}
}
