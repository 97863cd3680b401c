package web_test

import (
	"fmt"
	"net/http"
	"strings"

	"barillet/authn/account"
)

const attackersNumber = "+44 20 7946 0958"

// profilePlays are those that change what is on file first.
func profilePlays() []play {
	resetLater := func(s *scene) {
		s.hours(73)
		s.resets(s.zoe)
		s.attacker.tries()
		s.hours(31 * 24)
		s.attacker.tries()
	}
	return []play{
		{"the address first", "password", "administrator", "another address waits for a second administrator (13)", func(s *scene) {
			s.nadia.edits("email", attackersMail)
			s.hours(73)
			s.callBack(s.zoe, s.helpForm(s.browser(s.t), "I am Amélie."))
		}, "second SUPER_ADMIN", func(s *scene) {
			s.approves(s.solange)
			s.nadia.edits("email", attackersMail)
			s.approves(s.solange)
			s.attacker.tries()
			s.hours(73)
			s.tryReset(s.nadia)
			s.attacker.tries()
			s.tryReset(s.solange)
			s.attacker.tries()
			s.hours(31 * 24)
			s.tryReset(s.solange)
		}},
		{"a second address is added", "password", "administrator", "another address waits for a second administrator (13)", func(s *scene) {
			s.nadia.edits("secondEmail", attackersMail)
			resetLater(s)
		}, "agent", resetLater},
		{"the number first", "password", "administrator", "another number waits for a second administrator (13)", func(s *scene) {
			s.nadia.edits("mobilePhone", attackersNumber)
			s.hours(73)
			s.callBack(s.zoe, s.helpForm(s.browser(s.t), "I am Amélie. Call me back."))
		}, "second SUPER_ADMIN", func(s *scene) {
			s.nadia.edits("mobilePhone", attackersNumber)
			s.approves(s.solange)
			s.hours(73)
			at := s.helpForm(s.browser(s.t), "I am Amélie. Call me back.")
			s.zoe.does(at + "/take")
			s.zoe.does(at+"/reset", "method", "called_back", "result", "confirmed") // the attacker answers
		}},
		{"a second number is added", "password", "administrator", "another number waits for a second administrator (13)", func(s *scene) {
			s.nadia.edits("primaryPhone", attackersNumber)
			s.hours(73)
			s.callBack(s.zoe, s.helpForm(s.browser(s.t), "I am Amélie. Call me back."))
		}, "colleague", byColleague(theAdministrator)},
		{"the login is renamed, and given to another account", "password", "administrator", "another login waits for a second administrator (13)", func(s *scene) {
			s.nadia.edits("login", "amelie.old@garage.example")
			s.nadia.posts("/console/people/new", "email", attackersMail, "login", amelie)
		}, "colleague", byColleague(theAdministrator)},
		{"an import names the user's login", "password", "administrator", "an import changes no user (23)", func(s *scene) {
			body := fmt.Sprintf(`{"users":[{"profile":{"login":%q,"email":%q,"mobilePhone":%q},"groupIds":[%q]}]}`, amelie, attackersMail, "+442079460958", s.sud)
			if status, got := s.calls(s.nadia.token(), http.MethodPost, "/api/v1/imports", body); !strings.Contains(got, `"exists"`) {
				s.t.Errorf("the import: got %d %s", status, got)
			}
			s.karim.posts("/console/people/import", "users", amelie, "group", string(s.canal), "do", "invite")
		}, "colleague", byColleague(theAdministrator)},
		{"a token replaces the profile", "password", "administrator", "a change by a token waits like one in the console (13, 20)", func(s *scene) {
			token, at := s.nadia.token(), "/api/v1/users/"+string(s.amelie.user.ID)
			s.answers(token, http.MethodPut, at, fmt.Sprintf(`{"profile":{"login":%q,"email":%q}}`, amelie, attackersMail), http.StatusAccepted)
			s.calls(token, http.MethodPost, at, fmt.Sprintf(`{"profile":{"secondEmail":%q}}`, attackersMail))
			s.answers(token, http.MethodPost, at, `{"credentials":{"password":{"value":"`+attackersPassword+`"}}}`, http.StatusForbidden)
			resetLater(s)
		}, "agent", resetLater},
		{"the key of an imported user is dropped, and the address is written", "story", "administrator", "another address of a user who was active waits for a second administrator (11)", func(s *scene) {
			s.Change(s.amelie.user.ID, func(u *account.User) { u.EverHadDevice, u.Password, u.Sessions = false, account.Password{}, nil }) // she never signed in
			s.nadia.does(s.victim() + "/invite")
			s.nadia.edits("email", attackersMail)
			s.nadia.does(s.victim() + "/invite")
		}, "second SUPER_ADMIN", func(s *scene) {
			s.approves(s.solange)
			s.nadia.does(s.victim() + "/invite")
		}},
		{"an email that was given up is sent again", "mailbox", "administrator", "it goes where it went, and a reset ended its ticket (7, 18)", func(s *scene) {
			s.resets(s.nadia)
			id := s.givenUp(amelie)
			s.resetAgain(s.nadia)
			s.nadia.posts("/console/mail/" + id + "/retry")
		}, "agent", func(s *scene) {
			s.zoe.posts(s.victim() + "/password_link")
		}},
	}
}

// tryReset has an administrator reset, which the service may refuse.
func (s *scene) tryReset(by *player) {
	s.t.Helper()
	by.posts(s.victim()+"/reset", "method", "in_person", "by", "Karim")
}
