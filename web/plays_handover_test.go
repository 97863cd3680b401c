package web_test

import (
	"net/http"
	"strings"

	"barillet/authn/authntest"
)

// handoverPlays are those about a code that is handed over before a witness.
func handoverPlays() []play {
	refusedWitness := func(s *scene, by, witness *player) {
		s.t.Helper()
		if status := s.handsOver(by, witness, true); status != http.StatusForbidden {
			s.t.Errorf("%s as the witness: got %d, want 403", witness.user.Login, status)
		}
	}
	both := func(s *scene) { s.witnessed(s.karim, s.paul) }
	return []play{
		{"a manager believes that the user is present", "password", "manager", "the witness does not see the user, and refuses (9)", func(s *scene) {
			if status := s.handsOver(s.karim, s.paul, false); status != http.StatusConflict {
				s.t.Errorf("the code after a refusal: got %d, want 409", status)
			}
		}, "colleague", both},
		{"the witness types the digits that the caller reads out", "password", "colleague", "the code works only in the sign-in of these digits, and only the user hears it (9)", func(s *scene) {
			digits := s.attacker.waits()
			hers := s.browser(s.t)
			code := s.handsToHer(hers, s.karim, s.paul, func(string) string { return digits })
			if got := hers.post("/login/together/code", "ticket", code); got.next() == "/enrol" {
				s.t.Error("the code works in another sign-in")
			}
			s.attacker.tries()
			s.own() // without devices
		}, "manager", both},
		{"the manager reads the user's code out to the caller", "password", "manager", "the code works only in the sign-in whose digits the witness typed (9)", func(s *scene) {
			s.attacker.waits()
			hers := s.browser(s.t)
			code := s.handsToHer(hers, s.karim, s.paul, func(digits string) string { return digits })
			s.attacker.codes = append(s.attacker.codes, code)
		}, "colleague", both},
		{"a colleague invented a minute ago", "password", "manager", "a witness is older than 72 hours (9)", func(s *scene) {
			refusedWitness(s, s.karim, s.invented(s.karim, "garage", string(s.canal)))
		}, "colleague", both},
		{"a colleague invented four days ago", "password", "manager", "the account of the witness does not rest on the manager (9)", func(s *scene) {
			m := s.invented(s.karim, "garage", string(s.canal))
			s.hours(4 * 24)
			refusedWitness(s, s.karim, m)
			s.hours(31 * 24)
			refusedWitness(s, s.karim, m)
		}, "colleague", both},
		{"the agent makes the account of the witness", "password", "agent", "the account of the witness does not rest on the administrator (9)", func(s *scene) {
			m := s.invented(s.zoe, "garage", string(s.canal))
			s.hours(4 * 24)
			refusedWitness(s, s.zoe, m)
		}, "manager", func(s *scene) { s.handsOver(s.karim, s.made, true) }},
		{"the manager is the witness, with a second account of their own making", "password", "manager", "the account of the witness does not rest on the manager (9)", func(s *scene) {
			second := s.invented(s.karim, "garage", string(s.canal))
			s.hours(40 * 24)
			refusedWitness(s, s.karim, second)
		}, "colleague", both},
		{"a former colleague whose account is suspended", "password", "manager", "an account rests on who ended its suspension (9)", func(s *scene) {
			former := s.player("former@garage.example", "", s.canal)
			s.hours(31 * 24)
			s.rene.does("/console/people/" + string(former.user.ID) + "/suspend")
			s.hours(31 * 24)
			s.karim.does("/console/people/" + string(former.user.ID) + "/unsuspend")
			refusedWitness(s, s.karim, former)
		}, "colleague", both},
	}
}

// handsToHer has a manager hand a code over to Amélie, who is present. It returns the code. typed returns the digits that the witness
// types, from those that she shows.
func (s *scene) handsToHer(hers *browser, by, witness *player, typed func(string) string) string {
	s.t.Helper()
	hers.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	hers.goes("/login/together", "/login/together")
	digits := shownDigits.FindStringSubmatch(hers.shows("/login/together").body)[1]
	at, _, _ := strings.Cut(by.does(s.victim()+"/hand-over", "witness", "other", "other_witness", witness.user.Login).next(), "?")
	question := "/account/witness/" + strings.TrimPrefix(at, "/console/hand-overs/")
	w := witness.console()
	w.proves(question)
	w.goes("/account?done=witness_yes", question, "digits", typed(digits))
	_, rest, found := strings.Cut(by.does(at+"/code").body, `<p class="handed" translate="no">`)
	if !found {
		s.t.Fatal("no code")
	}
	code, _, _ := strings.Cut(rest, "<")
	return code
}
