package authntest_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

func TestAMemberOfTheHouseSignsInThroughTheSameDoorsAsAnybody(t *testing.T) {
	h := authntest.New(t)
	u, phone, session := h.Member("amelie@garage.example", nil)
	if live, err := h.Sessions.Authenticate(t.Context(), session); err != nil || live.User != u.ID {
		t.Errorf("the session of the enrolment: got %v, %v", live, err)
	}
	issued := h.SignIn("amelie@garage.example", authntest.Password, phone)
	if live, err := h.Sessions.Authenticate(t.Context(), issued.Session); err != nil || live.User != u.ID {
		t.Errorf("the session of the sign-in: got %v, %v", live, err)
	}
	if got := len(h.Events(audit.SessionStart)); got == 0 {
		t.Error("no sign-in in the log")
	}
	if len(h.Mails()) == 0 {
		t.Error("nobody was told of the device")
	}
	h.EmptyOutbox()
	h.Change(u.ID, func(u *account.User) { u.FirstName = "Amélie" })
	if got := h.User(string(u.ID)).FirstName; got != "Amélie" || len(h.Mails()) != 0 {
		t.Errorf("got name %q and %d mails, want Amélie and none", got, len(h.Mails()))
	}
}
