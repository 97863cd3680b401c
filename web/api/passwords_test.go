package api_test

import (
	"strings"
	"testing"

	"barillet/authn"
	"barillet/authn/helpdesk"
)

func TestAPasswordLinkIsMailedOrAnsweredAndInNothingElse(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/lifecycle/reset_password"
	d.EmptyOutbox()
	desk := d.token(authn.RoleHelpDesk, nil)
	for range 2 {
		if w := d.keyed(path, desk, "", "k"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "{}" {
			t.Errorf("mailed: got %d %s, want an empty object", w.Code, w.Body)
		}
	}
	if got := len(d.Mails()); got != 1 {
		t.Errorf("got %d mails, want one", got)
	}
	problem(t, d.call("POST", path+"?sendEmail=false", desk, ""), 403)
	problem(t, d.call("POST", path+"?sendEmail=no", desk, ""), 400)
	secrets := d.token(authn.RoleUserAdmin, func(n *helpdesk.NewToken) { n.Secrets = true })
	link, _ := read[tree](t, d.keyed(path+"?sendEmail=false", secrets, "", "s"), 200).get("resetPasswordUrl").(string)
	token := strings.TrimPrefix(link, "https://login.example/password/")
	if token == link || len(token) < 40 {
		t.Fatalf("got %q, want a link", link)
	}
	if login, _, err := d.Service.PasswordLink(t.Context(), authn.SecretOf(token)); err != nil || login != u.Login {
		t.Errorf("the link: got %q, %v", login, err)
	}
	for _, w := range []string{d.keyed(path+"?sendEmail=false", secrets, "", "s").Body.String(), d.call("GET", "/api/v1/logs", d.admin(), "").Body.String(),
		d.call("GET", "/api/v1/users/"+string(u.ID), d.admin(), "").Body.String()} {
		if strings.Contains(w, token) {
			t.Errorf("the secret is in %s", w)
		}
	}
	d.Change(u.ID, func(u *authn.User) { u.Devices = nil })
	if doc := problem(t, d.call("POST", path, desk, ""), 409); doc.ErrorCode != "E0000038" || !strings.Contains(doc.Detail, "reset_factors") {
		t.Errorf("without a device: got %+v, want to be told to reset", doc)
	}
}
