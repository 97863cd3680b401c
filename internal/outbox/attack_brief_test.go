package outbox

import (
	"errors"
	"strings"
	"testing"

	"barillet/internal/secret"
)

// TestAttack_ServerRepeatsTheLinkInItsRefusal: the filter of a mail server names what it rejected, and the console and the log show its
// answer.
func TestAttack_ServerRepeatsTheLinkInItsRefusal(t *testing.T) {
	link := secret.New().Reveal()
	for _, answer := range []string{"554 5.7.1 https://sso.garage.example/ticket/" + link + " is listed", "554 5.7.1 URL sso.garage.example/ticket/" + link + " is listed",
		"554 rejected: [/invite/" + link + "]", "554 hxxps:sso.garage.example/password/" + link, "554 found " + link + "."} {
		got := Brief(errors.New(answer))
		if strings.Contains(got, link) || !strings.HasPrefix(got, "554 ") {
			t.Errorf("got %q", got)
		}
	}
	if got, want := Brief(errors.New("550 5.1.1 <a@b.example> no such user 4f2a-9c [VE1EUR03FT012.eop-EUR03.prod.protection.outlook.com]")), "550 5.1.1 <a@b.example> no such user 4f2a-9c [VE1EUR03FT012.eop-EUR03.prod.protection.outlook.com]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
