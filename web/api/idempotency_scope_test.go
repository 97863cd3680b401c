package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
)

// The owner of a token gets a group scope, and the token repeats a request that created a user outside it.
func TestIdempotency_LostScopeRejectsReplay(t *testing.T) {
	d := open(t)
	owner, tokens := d.boss("boss@garage.example", account.RoleUserAdmin, 1)
	here := d.CreateGroup("Garage Lumière")
	body := `{"profile":{"login":"far@garage.example"}}`
	if w := d.keyed("/api/v1/users", tokens[0], body, "k"); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := d.keyed("/api/v1/users", tokens[0], body, "k"); w.Code != 200 || w.Header().Get("Idempotency-Replayed") != "true" {
		t.Fatalf("the repeat: got %d %s", w.Code, w.Body)
	}
	d.Change(owner.ID, func(u *account.User) { u.Roles[0].Groups = []account.GroupID{here} })
	w := d.keyed("/api/v1/users", tokens[0], body, "k")
	if doc := problem(t, w, 422); doc.Type != "/problems/idempotency" || strings.Contains(w.Body.String(), "far@") {
		t.Errorf("got %s", w.Body)
	}
}
