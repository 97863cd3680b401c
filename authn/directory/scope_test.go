package directory_test

import (
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/errcode"
)

func TestScope_HidesUserFromEveryOperation(t *testing.T) {
	s := newEnv(t)
	north := authntest.Limited(authntest.AsHelpDesk, s.Nord)
	ctx := t.Context()
	for _, id := range []string{authntest.Technician, string(s.Amelie.ID), "nobody@garage.example"} {
		_, err := s.Directory.Admin.User(ctx, north, id)
		authntest.WantCode(t, "reading "+id, err, errcode.NotFound)
		_, err = s.Directory.Device(ctx, north, id, s.Phone.Device)
		authntest.WantCode(t, "device of "+id, err, errcode.NotFound)
		authntest.WantCode(t, "taking it", s.Directory.RemoveDevice(ctx, north, s.From, id, s.Phone.Device), errcode.NotFound)
		_, err = s.Directory.HelpDesk.Reset(ctx, north, s.From, id, helpdesk.ResetRequest{})
		authntest.WantCode(t, "resetting "+id, err, errcode.NotFound)
		_, err = s.Directory.Activate(ctx, north, s.From, id, true)
		authntest.WantCode(t, "inviting "+id, err, errcode.NotFound)
	}
	if users, next, err := s.Directory.Users(ctx, north, roster.UserQuery{Prefix: "amelie"}); err != nil || len(users) != 0 || next != "" {
		t.Errorf("listing: got %d, %q, %v", len(users), next, err)
	}
	if _, err := s.Directory.HelpDesk.Submit(ctx, s.From, helpdesk.Submission{Email: authntest.Technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	if cases, _, err := s.Directory.HelpDesk.Requests(ctx, north, helpdesk.RequestQuery{}); err != nil || len(cases) != 0 {
		t.Errorf("cases: got %d, %v", len(cases), err)
	}
	cases, _, err := s.Directory.HelpDesk.Requests(ctx, authntest.Limited(authntest.AsHelpDesk, s.Lumiere), helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 {
		t.Fatalf("the manager's cases: got %d, %v", len(cases), err)
	}
	_, err = s.Directory.HelpDesk.Request(ctx, north, cases[0].ID)
	authntest.WantCode(t, "reading the case", err, errcode.NotFound)
	_, err = s.Directory.HelpDesk.Patch(ctx, north, s.From, cases[0].ID, helpdesk.RequestPatch{Note: "x"})
	authntest.WantCode(t, "changing the case", err, errcode.NotFound)
}
