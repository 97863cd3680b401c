package web_test

import (
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/notice"
)

// resets has an administrator reset Amélie, with an identity check that did not take place.
func (s *scene) resets(by *player) {
	s.t.Helper()
	by.does(s.victim()+"/reset", "method", "in_person", "by", "Karim")
}

// helpForm sends the public form in a browser, and returns the path of the request in the console.
func (s *scene) helpForm(b *browser, message string) string {
	s.t.Helper()
	if got := b.post("/help/request", "email", amelie, "topic", "phone_lost", "message", message); !strings.HasPrefix(got.next(), "/help/sent") {
		s.t.Fatalf("the form: got %d to %q", got.StatusCode, got.next())
	}
	all, _, err := s.Directory.HelpDesk.Requests(s.t.Context(), authntest.AsOperator, helpdesk.RequestQuery{})
	if err != nil || len(all) == 0 {
		s.t.Fatalf("got %d requests, %v", len(all), err)
	}
	return "/console/requests/" + all[len(all)-1].ID
}

// callBack has an agent who keeps to the rules call the number on file, which Amélie answers: she asked for nothing.
func (s *scene) callBack(agent *player, at string) {
	s.t.Helper()
	agent.does(at + "/take")
	agent.does(at+"/check", "method", "called_back", "result", "wrong_person")
	agent.cannot(at+"/reset", http.StatusUnprocessableEntity)
	agent.does(at+"/reject", "words", "You did not ask for this.")
}

// byColleague has the fooled administrator hand over a code before the fooled colleague.
func byColleague(by func(*scene) *player) func(*scene) {
	return func(s *scene) { s.witnessed(by(s), s.paul) }
}

// withMailbox is byColleague for an attacker with the mailbox: the password link comes first, and their sign-in by it waits for the code.
func withMailbox(by func(*scene) *player) func(*scene) {
	return func(s *scene) {
		by(s).posts(s.victim() + "/password_link")
		s.attacker.tries()
		s.handsOver(by(s), s.paul, true)
	}
}

func theAgent(s *scene) *player         { return s.zoe }
func theManager(s *scene) *player       { return s.karim }
func theAdministrator(s *scene) *player { return s.nadia }
func theSuperAdmin(s *scene) *player    { return s.rene }

// resetPlays are those that make somebody reset the account.
func resetPlays() []play {
	return []play{
		{"a caller has the agent reset", "password", "agent", "the ticket goes to the address on file (8, 24)",
			func(s *scene) { s.resets(s.zoe) }, "colleague", byColleague(theAgent)},
		{"a password link, then a reset, to a mailbox that is read", "mailbox", "manager", "password and ticket came by the same mailbox (8)", func(s *scene) {
			s.karim.does(s.victim() + "/password_link")
			s.attacker.tries()
			s.resets(s.karim)
		}, "colleague", withMailbox(theManager)},
		{"the ticket is to go elsewhere", "password", "administrator", "a token made in the console has no allowance *secrets* (20)", func(s *scene) {
			token, at := s.nadia.token(), "/api/v1/users/"+string(s.amelie.user.ID)
			s.answers(token, http.MethodPost, at+"/lifecycle/reset_factors", `{"sendEmail":false}`, http.StatusForbidden)
			s.resets(s.nadia)
			s.nadia.does(s.victim() + "/tickets/send")
		}, "colleague", byColleague(theAdministrator)},
		{"the ticket expires and the password renews it", "password", "agent", "a renewal goes to the address on file (10)", func(s *scene) {
			s.resets(s.zoe)
			for range 8 {
				s.hours(25)
				s.attacker.tries()
			}
		}, "manager", func(s *scene) {
			s.resets(s.karim)
			s.hours(25)
		}},
		{"withdrawn and expired tickets are used", "mailbox", "agent", "a ticket that was withdrawn or expired ends (7, 10)", func(s *scene) {
			s.zoe.does(s.victim() + "/password_link")
			s.attacker.tries()
			s.resets(s.zoe)
			s.karim.does(s.victim() + "/tickets/withdraw")
			s.attacker.tries()
			s.resets(s.zoe)
			s.hours(31 * 24)
		}, "colleague", withMailbox(theAgent)},
		{"the devices are removed one by one", "password", "agent", "a user who had a device is not invited; the ticket is mailed (10)", func(s *scene) {
			for _, d := range s.amelie.user.Devices {
				s.zoe.does(s.victim() + "/devices/" + string(d.ID) + "/remove")
			}
			s.zoe.cannot(s.victim()+"/invite", http.StatusConflict)
			s.attacker.tries()
			s.resets(s.zoe)
		}, "colleague", byColleague(theAgent)},
		{"a request proven by the password", "password", "agent", "the answer goes to the address on file; the sender reads a state only (19)", func(s *scene) {
			b := s.attacker.fresh()
			b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
			at := s.helpForm(b, "My phone fell into the pit.")
			s.zoe.does(at + "/take")
			s.zoe.does(at+"/reset", "method", "manager_confirmed", "by", "Karim")
			m, _ := newest[notice.DevicesReset](s, amelie)
			if got := b.shows("/help/request/progress"); m.Code == "" || strings.Contains(got.body, m.Code) {
				s.t.Error("the progress shows the code, or there is none")
			}
		}, "colleague", byColleague(theAgent)},
		{"a request in the user's name, which an honest agent answers", "password", "colleague", "the agent calls the number on file (24)", func(s *scene) {
			s.callBack(s.zoe, s.helpForm(s.browser(s.t), "I am Amélie. Paul can vouch for me."))
		}, "manager", func(s *scene) { s.witnessed(s.karim, s.paul) }},
		{"the agent counts the call of the caller as a check", "password", "agent", "a call from the user is no method, and the ticket is mailed (24)", func(s *scene) {
			at := s.helpForm(s.browser(s.t), "Please call me.")
			s.zoe.does(at + "/take")
			s.zoe.cannot(at+"/check", http.StatusUnprocessableEntity, "method", "called_by_user")
			s.zoe.does(at+"/reset", "method", "called_back", "result", "confirmed")
		}, "colleague", byColleague(theAgent)},
		{"the check of another's request is used", "password", "administrator", "a reset answers a request about the same user (24)", func(s *scene) {
			at := s.asks(s.t, s.paul.user.Login)
			s.nadia.does(at + "/take")
			s.nadia.does(at+"/check", "method", "in_person", "by", "Karim")
			id := strings.TrimPrefix(at, "/console/requests/")
			s.answers(s.nadia.token(), http.MethodPost, "/api/v1/users/"+string(s.amelie.user.ID)+"/lifecycle/reset_factors", `{"helpRequestId":"`+id+`"}`, http.StatusConflict)
			s.resets(s.nadia)
		}, "colleague", byColleague(theAdministrator)},
		{"a second administrator trusts the first", "password", "administrator", "also an approved ticket goes to the address on file (11)", func(s *scene) {
			s.withRole(account.RoleUserAdmin)
			s.asksAndApproves(s.nadia, s.rene)
		}, "SUPER_ADMIN", func(s *scene) {
			s.rene.cannot(s.victim()+"/edit", http.StatusConflict, s.profile("email", attackersMail)...) // in cool-off
		}},
		{"an administrator asks in a session, and approves with a token", "password", "SUPER_ADMIN", "the two are judged by their owner (11, 20)", func(s *scene) {
			s.withRole(account.RoleSuperAdmin)
			id := s.rene.console().asksReset(s.t, s.amelie.user)
			token := s.rene.token()
			s.answers(token, http.MethodPost, "/api/v1/approvals/"+id, "", http.StatusForbidden)
		}, "second SUPER_ADMIN", func(s *scene) { s.approves(s.solange) }},
		{"the user's role is taken first", "password", "SUPER_ADMIN", "an administrator who took the role needs an approval (11)", func(s *scene) {
			s.withRole(account.RoleSuperAdmin)
			role := s.User(string(s.amelie.user.ID)).Roles[0].ID
			s.rene.does("/console/roles/" + string(s.amelie.user.ID) + "/" + role + "/revoke")
			if got := s.rene.posts(s.victim()+"/reset", "method", "in_person", "by", "Karim"); !strings.HasPrefix(got.next(), "/console/approvals/") {
				s.t.Fatalf("got %d to %q, want an approval", got.StatusCode, got.next())
			}
			if status := s.handsOver(s.rene, s.paul, true); status != http.StatusForbidden {
				s.t.Errorf("handing over: got %d, want 403", status)
			}
		}, "second SUPER_ADMIN", func(s *scene) {
			s.approves(s.solange)
		}},
	}
}

// asksAndApproves has one administrator ask for a reset, and another approve it.
func (s *scene) asksAndApproves(first, second *player) {
	s.t.Helper()
	first.console().asksReset(s.t, s.amelie.user)
	s.approves(second)
}

// approves has an administrator approve all that waits.
func (s *scene) approves(by *player) {
	s.t.Helper()
	for _, id := range s.waiting() {
		by.does("/console/approvals/" + id + "/approve")
	}
}

// waiting returns the ids of all that waits for a second administrator.
func (s *scene) waiting() (ids []string) {
	s.t.Helper()
	for _, a := range reads[[]struct{ ID string }](s, "/api/v1/approvals") {
		ids = append(ids, a.ID)
	}
	return ids
}
