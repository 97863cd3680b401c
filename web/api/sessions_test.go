package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

func TestSessions_ListAndEnd(t *testing.T) {
	d := open(t)
	u, _, session := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/sessions"
	w := d.call("GET", path, d.token(account.RoleReadOnly, nil), "")
	list := read[[]tree](t, w, 200)
	if len(list) != 1 || list[0].get("userId") != string(u.ID) || list[0].get("status") != "ACTIVE" || list[0].get("login") != "zoe@garage.example" {
		t.Fatalf("got %s, want the one session", w.Body)
	}
	created, expires := list[0].get("createdAt").(string), list[0].get("expiresAt").(string)
	if created == "" || expires <= created {
		t.Errorf("got %s to %s, want an end behind the beginning", created, expires)
	}
	for _, secret := range []string{session.Reveal(), session.Key()} {
		if strings.Contains(w.Body.String(), secret) {
			t.Error("the session's secret or its hash is in the answer")
		}
	}
	admin := d.admin()
	for _, query := range []string{"?oauthTokens=perhaps", "?forgetDevices=1", "?forgetDevices=true&forgetDevices=false"} {
		problem(t, d.call("DELETE", path+query, admin, ""), 400)
	}
	problem(t, d.call("DELETE", path, d.token(account.RoleReadOnly, nil), ""), 403)
	if _, err := d.Sessions.Authenticate(t.Context(), session); err != nil {
		t.Fatalf("a refused call ended the session: %v", err)
	}
	if w := d.call("DELETE", path+"?oauthTokens=true&forgetDevices=true", admin, ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if _, err := d.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want it dead", err)
	}
	if got := d.User(string(u.ID)); len(got.Browsers) != 0 {
		t.Errorf("got %d known browsers, want none", len(got.Browsers))
	}
	if w := d.call("GET", path, admin, ""); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("got %s, want an empty list", w.Body)
	}
}
