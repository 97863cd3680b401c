package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// story contains the data that its steps share.
type story struct {
	*Env
	amelie    *Person // at her desktop
	waiting   *Person // at a second browser, which stops at the six-digit prompt
	stolen    *Person // a third browser: the password alone
	phone     *Phone
	tablet    *Phone
	recovery  []string
	yubikey   *Key
	reference string
	answered  string // the id of the help request
	link      string
	short     string
}

// TestStory_LostPhone is the whole story, in French, in a browser.
func TestStory_LostPhone(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{TLS: true})
	s := &story{Env: h, amelie: h.Person(t, "amelie@garage.example", "quatre pneus neige rouges", BrowserOptions{})}
	for _, step := range []struct {
		name string
		do   func(*story, *testing.T)
	}{
		{"an invitation comes by mail", (*story).invited},
		{"she signs in again with a code", (*story).again},
		{"a second phone scans the same QR code", (*story).copied},
		{"a tablet gets a key of its own and is removed", (*story).tabletComesAndGoes},
		{"a YubiKey is added and signs in", (*story).yubikeyAdded},
		{"all is lost: she asks for help", (*story).asksForHelp},
		{"a second browser waits at the six-digit prompt", (*story).waits},
		{"support resets her devices", (*story).reset},
		{"the ticket is worth nothing elsewhere", (*story).ticketElsewhere},
		{"the waiting browser takes the short code and enrols", (*story).enrolsAnew},
		{"what was lost is worth nothing", (*story).lostIsLost},
	} {
		// One browser lives through all steps: they are no subtests, whose end would be its end.
		t.Logf("step: %s", step.name)
		if step.do(s, t); t.Failed() {
			t.Fatalf("the story ends at: %s", step.name)
		}
	}
}

func (s *story) invited(t *testing.T) {
	link := s.invite(s.amelie.Login, "Amélie Roux")
	s.amelie.accept(link)
	s.amelie.says("Okta Verify")
	s.phone = s.amelie.phone("google", "Téléphone d’Amélie")
	s.recovery = s.amelie.later()
	s.Mail.Wait(s.amelie.Login, "un appareil a été ajouté")
	s.Mail.Wait(s.amelie.Login, "nouveaux codes de secours")
	s.amelie.says("Il vous reste 10 codes de secours.")
	if got := s.amelie.Open(link); got == http.StatusOK && s.amelie.Count("#f-password") > 0 {
		t.Error("a used invitation asks for a password again")
	}
	s.amelie.says("Cette invitation n’est plus valable")
}

func (s *story) again(*testing.T) {
	s.amelie.Open("/account")
	s.amelie.signOut()
	s.amelie.outside()
	s.amelie.signIn(s.phone)
}

func (s *story) copied(t *testing.T) {
	s.amelie.Submit(s.amelie.device("Téléphone d’Amélie", "show"))
	if s.amelie.Count(".qr") != 0 {
		t.Fatal("the QR code is shown without a code")
	}
	s.amelie.Fill("#f-name", "Deuxième téléphone")
	s.amelie.enter(s.phone.Next())
	second := s.amelie.scan()
	if second.Secret != s.phone.Secret {
		t.Fatal("the QR code shown again is another one")
	}
	s.amelie.enter(second.Next())
	s.amelie.home()
	s.amelie.says("Deuxième téléphone")
	s.Mail.Wait(s.amelie.Login, "un code QR a été affiché à nouveau")
	s.Mail.Wait(s.amelie.Login, "un autre téléphone a le même code QR")
	for _, phone := range []*Phone{s.phone, second} {
		s.amelie.signOut()
		s.amelie.signIn(phone)
	}
}

func (s *story) tabletComesAndGoes(t *testing.T) {
	s.amelie.Submit(`a[href="/account/add"]`)
	s.amelie.at("/account/add") // the sign-in in a known browser is a step-up (protocol rule 5)
	s.tablet = s.amelie.phone("other", "Tablette de l’atelier")
	s.amelie.home()
	if s.tablet.Secret == s.phone.Secret {
		t.Error("the tablet got the key of the phone")
	}
	s.Mail.Wait(s.amelie.Login, "un appareil a été ajouté")

	atTablet := s.amelie.Elsewhere(t)
	atTablet.signIn(s.tablet)
	s.Mail.Wait(s.amelie.Login, "nouveau navigateur")

	s.amelie.Open("/account")
	s.amelie.Submit(s.amelie.device("Tablette de l’atelier", "remove"))
	s.amelie.prove(s.phone)
	s.amelie.Submit("main form button.danger")
	s.amelie.home()
	if strings.Contains(s.amelie.Text("#devices + ul"), "Tablette") {
		t.Error("the tablet is still listed")
	}
	s.Mail.Wait(s.amelie.Login, "un appareil a été retiré")
	atTablet.outside()
	atTablet.refused(s.tablet.Next(), "Ce code n’est pas le bon")
}

func (s *story) yubikeyAdded(t *testing.T) {
	s.yubikey = s.amelie.Plug()
	s.amelie.addKey(s.phone, "Clé bleue")
	s.Mail.Wait(s.amelie.Login, "un appareil a été ajouté")

	s.amelie.signOut()
	s.amelie.give()
	s.amelie.byKey()
	s.amelie.home()
	if got := len(s.yubikey.Credentials()); got != 1 {
		t.Errorf("got %d credentials on the key, want 1", got)
	}
}

// helpRequest is a help request in the API.
type helpRequest struct {
	ID, Reference, Status, Topic, Email, UserID string
	Texts                                       []struct{ PasswordProven bool } // the trusted ones first
}

// request finds an open help request by its reference.
func (h *Env) request(reference string) helpRequest {
	h.tb.Helper()
	var all []helpRequest
	h.Admin.Call("GET", "/help-requests?status=open", nil).Want(200).Into(&all)
	i := slices.IndexFunc(all, func(r helpRequest) bool { return r.Reference == reference })
	if i < 0 {
		h.tb.Fatalf("got %+v, want an open request %s among them", all, reference)
	}
	return all[i]
}

func (s *story) asksForHelp(t *testing.T) {
	lost := s.amelie.Elsewhere(t) // a borrowed browser
	s.reference = lost.ask("phone_lost", "Mon téléphone est tombé dans le lac.\nMa clé était avec.")
	lost.says("Attendez l’e-mail avant d’essayer")
	mail := s.Mail.Wait(support, "demande "+s.reference)
	for _, want := range []string{"amelie@garage.example", "tombé dans le lac", "appartient à un utilisateur"} {
		if !strings.Contains(plain(mail.Text), plain(want)) {
			t.Errorf("support's mail does not hold %q:\n%s", want, mail.Text)
		}
	}
	s.Mail.Wait(s.amelie.Login, "demande d’aide "+s.reference)
	if got := s.request(s.reference); got.Topic != "phone_lost" || got.Email != s.amelie.Login {
		t.Errorf("got the request %+v, want one of %s about a lost phone", got, s.amelie.Login)
	}
}

func (s *story) waits(t *testing.T) {
	s.waiting = s.amelie.Elsewhere(t)
	s.waiting.give()
	s.waiting.prompt()
}
