package web_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/store"
)

// accountPlays are those about states, roles and groups.
func accountPlays() []play {
	return []play{
		{"a password link", "mailbox", "agent", "the new password counts after a sign-in with a device (8)", func(s *scene) {
			s.zoe.does(s.victim() + "/password_link")
		}, "colleague", withMailbox(theAgent)},
		{"the links of notifications freeze the account first", "mailbox", "agent", "a user without a usable device gets no password email (8)", func(s *scene) {
			s.zoe.does(s.victim() + "/freeze_all")
			s.resets(s.zoe)
			s.attacker.freezes()
			s.zoe.posts(s.victim() + "/password_link")
		}, "colleague", withMailbox(theAgent)},
		{"suspended, deactivated and active again", "mailbox", "administrator", "a user who had a device is not invited (10)", func(s *scene) {
			for _, path := range []string{"/suspend", "/unsuspend", "/deactivate", "/reactivate", "/password_link"} {
				s.nadia.does(s.victim() + path)
				s.attacker.tries()
			}
			s.nadia.cannot(s.victim()+"/invite", http.StatusConflict)
			s.resets(s.nadia)
		}, "colleague", withMailbox(theAdministrator)},
		{"deleted, and invited again with the same login", "password", "administrator", "the login of a deleted user is that of another id", func(s *scene) {
			s.nadia.does(s.victim() + "/deactivate")
			s.nadia.does(s.victim() + "/delete")
			s.invented(s.nadia, "login", amelie, "garage", string(s.canal))
		}, "colleague", func(s *scene) {}},
		{"unlocked after every few guesses", "password", "agent", "three unlocks a day, and the limits of guessing (17)", func(s *scene) {
			refused := false
			for range 5 {
				s.attacker.guesses()
				got := s.zoe.posts(s.victim() + "/unlock")
				refused = refused || got.StatusCode == http.StatusTooManyRequests
			}
			if !refused {
				s.t.Error("no limit of unlocks")
			}
		}, "manager", func(s *scene) {
			s.attacker.guesses()
			s.karim.posts(s.victim() + "/unlock")
			s.attacker.guesses()
		}},
		{"a second account with a role", "password", "administrator", "a role waits for a second administrator (11)", func(s *scene) {
			s.nadia.console()
			token := s.nadia.token()
			s.calls(token, http.MethodPost, "/api/v1/imports", fmt.Sprintf(`{"users":[{"profile":{"login":%q},"role":"HELP_DESK_ADMIN"}]}`, "m2@elsewhere.example"))
			m := s.invented(s.nadia)
			s.nadia.does("/console/roles/"+string(m.user.ID)+"/assign", "type", "HELP_DESK_ADMIN", "where", "all")
		}, "second SUPER_ADMIN", func(s *scene) {
			m := s.User(attackersMail)
			s.nadia.posts("/console/roles/"+string(m.ID)+"/assign", "type", "HELP_DESK_ADMIN", "where", "all")
			s.approves(s.solange)
		}},
		{"the user gets a role", "password", "SUPER_ADMIN", "a role waits for a second administrator (11)", func(s *scene) {
			s.rene.does("/console/roles/"+string(s.amelie.user.ID)+"/assign", "type", "READ_ONLY_ADMIN", "where", "all")
		}, "second SUPER_ADMIN", func(s *scene) {
			s.rene.posts("/console/roles/"+string(s.amelie.user.ID)+"/assign", "type", "READ_ONLY_ADMIN", "where", "all")
			s.approves(s.solange)
		}},
		{"a role reaches another garage", "password", "SUPER_ADMIN", "a role waits for a second administrator (11)", func(s *scene) {
			s.widens(s.rene)
		}, "second SUPER_ADMIN", func(s *scene) {
			s.widens(s.rene)
			s.approves(s.solange)
		}},
		{"all other administrators lose their roles first", "password", "SUPER_ADMIN", "without a second administrator only the operator is left (13)", func(s *scene) {
			for _, a := range []*player{s.solange, s.nadia, s.zoe, s.karim} {
				s.rene.does("/console/roles/" + string(a.user.ID) + "/" + a.user.Roles[0].ID + "/revoke")
			}
			s.own()
			s.rene.edits("email", attackersMail)
		}, "colleague", byColleague(theSuperAdmin)},
		{"a former administrator wants the account back", "story", "SUPER_ADMIN", "one administrator does not give a role back (11)", func(s *scene) {
			s.made = s.player("former@office.example", account.RoleUserAdmin)
			s.hours(31 * 24)
			at := "/console/people/" + string(s.made.user.ID)
			for _, path := range [][2]string{{"/suspend", "/unsuspend"}, {"/deactivate", "/reactivate"}} {
				s.solange.does(at + path[0])
				s.own()
				s.rene.cannot(at+path[1], http.StatusConflict)
			}
			s.rene.does("/console/roles/" + string(s.made.user.ID) + "/" + s.made.user.Roles[0].ID + "/revoke")
			s.rene.does(at + "/reactivate")
			s.rene.does("/console/roles/"+string(s.made.user.ID)+"/assign", "type", "USER_ADMIN", "where", "all")
			for _, id := range s.waiting() {
				s.made.cannot("/console/approvals/"+id+"/approve", http.StatusForbidden)
			}
		}, "second SUPER_ADMIN", func(s *scene) { s.approves(s.solange) }},
		{"the user is moved to another garage", "password", "administrator", "also the membership of the user is older than 72 hours (9)", func(s *scene) {
			leo := s.player("leo@garage.example", "", s.sud)
			s.hours(31 * 24)
			s.nadia.does(s.victim()+"/groups/add", "garage", string(s.sud))
			s.nadia.does(s.victim() + "/groups/" + string(s.canal) + "/remove")
			if status := s.handsOver(s.nadia, leo, true); status != http.StatusForbidden {
				s.t.Errorf("a witness of the new garage: got %d, want 403", status)
			}
			s.nadia.does(s.victim()+"/groups/add", "garage", string(s.canal))
		}, "colleague", func(s *scene) {
			s.hours(73)
			s.witnessed(s.nadia, s.paul)
		}},
		{"a manager who was reset yesterday", "password", "manager", "no lasting move in cool-off (11)", func(s *scene) {
			s.Change(s.karim.user.ID, func(u *account.User) { u.Resets++ })
			for _, path := range []string{"/reset", "/hand-over", "/edit"} {
				s.karim.cannot(s.victim()+path, http.StatusForbidden, "method", "in_person", "by", "x", "witness", "other", "other_witness", s.paul.user.Login)
			}
			s.karim.cannot("/console/people/new", http.StatusForbidden, "email", attackersMail, "garage", string(s.canal))
			s.karim.cannot("/console/tokens/new", http.StatusForbidden, "name", "x", "role", "USER_ADMIN", "own", string(s.canal), "days", "30")
		}, "agent", func(s *scene) { s.resets(s.zoe) }},
	}
}

// widens adds Amélie's garage to the role of the manager of another one, whose account the attacker has.
func (s *scene) widens(by *player) {
	s.t.Helper()
	if s.made == nil {
		s.made = s.player("manager@sud.example", account.RoleHelpDesk, s.sud)
		s.own()
	}
	u := s.made.user
	by.does("/console/roles/"+string(u.ID)+"/"+u.Roles[0].ID+"/add_group", "group", "Garage du Canal")
}

// freezes follows each link in the mailbox that freezes the account.
func (a *attacker) freezes() {
	a.scene.t.Helper()
	for _, m := range a.scene.Mails() {
		link := reflect.ValueOf(m.What).FieldByName("Freeze")
		if a.reads[m.To] && link.IsValid() && link.String() != "" {
			a.fresh().post(strings.TrimPrefix(link.String(), a.scene.url))
		}
	}
}

// givenUp marks the ticket that waits for an address as given up, as after a day without a mail server, and returns the email's id.
func (s *scene) givenUp(to string) string {
	s.t.Helper()
	table := store.NewTable[mail.Message](s.Ring, store.Outbox)
	for _, m := range s.Mails() {
		if _, ticket := m.What.(notice.DevicesReset); !ticket || m.To != to {
			continue
		}
		err := s.Store.Update(s.t.Context(), func(tx store.Tx) error {
			row, err := table.Get(tx, m.ID)
			if err != nil {
				return err
			}
			row.Dead, row.Died, row.AttemptCount = true, s.Clock.Now(), 12
			return table.Put(tx, m.ID, row)
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return m.ID
	}
	s.t.Fatal("no ticket waits")
	return ""
}

// resetAgain ends the tickets of a reset, and resets once more.
func (s *scene) resetAgain(by *player) {
	s.t.Helper()
	by.does(s.victim() + "/tickets/withdraw")
	s.Clock.Advance(time.Minute)
	by.posts(s.victim() + "/tickets/send")
}
