package e2e_test

import (
	"strings"
	"testing"
)

// TestStory_English is the short form of the story.
func TestStory_English(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Locale: "en"})
	ben := h.Person(t, "ben@garage.example", "seven hammers and one anvil", BrowserOptions{Language: "en-GB,en"})

	ben.accept(h.invite(ben.Login, "Ben Carter"))
	lost := ben.phone("okta", "Ben's phone")
	ben.later()
	ben.says("My account")
	ben.signOut()
	ben.signIn(lost)
	ben.signOut()

	// He gets as far as the code, and says from there that the phone is gone.
	ben.give()
	ben.prompt()
	ben.Submit(`a[href="/login/freeze"]`) // his own browser can block it; he asks for help only
	ben.Submit(`a[href="/help/request?topic=phone_lost"]`)
	if got := ben.Value("#f-email"); got != ben.Login {
		t.Errorf("got the address %q in the form, want %q", got, ben.Login)
	}
	ben.Fill("#f-message", "It fell into the oil.")
	ben.Submit(mainButton)
	reference := ben.Text(".reference")
	ben.Submit(`a[href="/help/request/progress"]`)
	ben.says(reference)
	ben.says("it waits for support")
	ben.look("help-progress-open")
	h.Mail.Wait(support, reference)
	h.Mail.Wait(ben.Login, reference)
	asked := h.request(reference)
	if len(asked.Texts) != 1 || !asked.Texts[0].PasswordProven {
		t.Error("the request does not tell that the password was proven when it was sent")
	}
	h.Admin.Call("POST", "/users/"+ben.Login+"/lifecycle/reset_factors",
		map[string]any{"reason": "called back on the number on file", "helpRequestId": asked.ID,
			"identityCheck": map[string]any{"method": "in_person", "by": "the garage's manager"}}).Want(200)

	ben.Open("/help/request/progress")
	ben.says("It is answered")

	link, _ := h.ticket(ben.Login)
	ben.Open(link)
	ben.Fill("#f-identifier", strings.ToUpper(ben.Login[:3])+ben.Login[3:])
	ben.Fill("#f-password", ben.Password)
	ben.Submit(mainButton)
	ben.at("/enrol")
	fresh := ben.phone("google", "New phone")
	ben.later()
	ben.signOut()
	ben.signIn(fresh)
	ben.signOut()
	ben.refused(lost.Next(), "This code is not right")
}
