package e2e_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages_BreachedPassword imports a list while the service runs. Every choice of a password meets it: an invitation, a link, a
// change and an administrator. The page states before how strong the typed password is, and without scripts after the refusal.
func TestPages_BreachedPassword(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	const breached = "trois chats sur le capot"
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, fmt.Appendf(nil, "%X:37\n", sha1.Sum([]byte(breached))), 0o600); err != nil {
		t.Fatal(err)
	}
	m := h.Member(t, "amelie@garage.example")
	h.Run("passwords", "import", list).OK(t)

	p := h.Person(t, "zoe@garage.example", h.Secret("password of Zoé", "cinq bielles neuves"), BrowserOptions{})
	link := h.invite(p.Login, "Zoé Roux")
	p.Open(link)
	for _, tt := range []struct{ typed, word string }{
		{"abc", "trop court"}, {"aaaaaaaaaaaaaaaaaaaa", "faible"}, {"boulons d’or", "moyenne"}, {breached, "bonne"},
	} {
		p.evaluate(`document.querySelector("#f-password").value = ""`)
		p.Type("#f-password", tt.typed)
		p.says("Solidité : " + tt.word)
		p.look("invite-strength-" + strings.ReplaceAll(tt.word, " ", "-"))
	}
	p.Open(link)
	p.sends("#f-password", breached)
	p.says("fuite de données")
	p.look("invite-breached")
	p.accept(link)

	q := h.Person(t, m.Login, m.Password, BrowserOptions{NoScript: true})
	q.signIn(m.Phone)
	q.Open("/account/password")
	q.enter(m.Phone.Next())
	q.at("/account/password")
	if q.Count(`[data-strength][hidden]`) != 1 {
		t.Error("without scripts the page shows an empty strength")
	}
	q.sends("#f-current", m.Password, "#f-password", breached)
	q.says("fuite de données")
	q.Album("password-breached-without-script")

	secrets := h.API(h.Secret("token with secrets", h.Run("token", "create", "--name", "desk", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	secrets.Call(http.MethodPost, "/users?activate=false", map[string]any{
		"profile":     map[string]string{"login": "ana@garage.example", "email": "ana@garage.example", "firstName": "Ana", "lastName": "Roux"},
		"credentials": map[string]any{"password": map[string]string{"value": breached}},
	}).Want(http.StatusBadRequest)
}
