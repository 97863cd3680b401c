package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setupLink reads the setup link from its file, as the operator does.
func (h *Env) setupLink() string {
	h.tb.Helper()
	text, err := os.ReadFile(filepath.Join(h.Data, "setup-link"))
	if err != nil {
		h.tb.Fatal(err)
	}
	link := strings.TrimSpace(string(text))
	h.Secret("setup link", token(link))
	return link
}

func TestStory_EmptyStoreToASignedInAdministratorInTheBrowserOnly(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Locale: "en"})
	anne := h.Person(t, "anne@garage.example", "seven hammers and one anvil", BrowserOptions{Language: "en-GB,en"})
	link := h.setupLink()
	anne.Open(link)
	anne.look("setup")
	anne.sends("#f-email", anne.Login, "#f-first", "Anne", "#f-last", "Morel", "#f-password", "abc")
	anne.look("setup-short")
	if got := anne.Value("#f-email") + anne.Value("#f-first") + anne.Value("#f-last"); got != anne.Login+"AnneMorel" {
		t.Errorf("after a short password the form has %q", got)
	}
	anne.Fill("#f-password", anne.Password)
	anne.Submit(mainButton)
	anne.at("/enrol")
	phone := anne.phone("okta", "Anne's phone")
	anne.later()
	anne.says("My account")
	anne.says("Anne Morel")
	anne.signOut()
	anne.signIn(phone)
	anne.home()

	roles := h.Run("user", "show", anne.Login).OK(t)
	if !strings.Contains(roles, "SUPER_ADMIN for all") {
		t.Errorf("got %s, want a SUPER_ADMIN", roles)
	}
	other := anne.Elsewhere(t)
	if got := other.Open(link); got != http.StatusNotFound {
		t.Errorf("the used link: got %d, want 404", got)
	}
	other.says("redémarrez le service")
	other.look("setup-gone")
	h.Run("user", "deactivate", anne.Login).OK(t)
	h.Run("user", "delete", anne.Login, "--yes").OK(t)
	h.Restart()
	if _, err := os.Stat(filepath.Join(h.Data, "setup-link")); !os.IsNotExist(err) {
		t.Errorf("the start after the administrator was deleted: got %v, want no link", err)
	}
}
