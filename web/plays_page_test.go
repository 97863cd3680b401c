package web_test

import (
	"net/http"
	"strings"

	"barillet/authn/authntest"
	"barillet/internal/notice"
)

// pagePlays are those on the pages of users.
func pagePlays() []play {
	both := func(s *scene) { s.witnessed(s.karim, s.paul) }
	return []play{
		{"the QR code of the phone, on a shared tablet", "password", "colleague", "showing a QR code needs a proof of its own (5)", func(s *scene) {
			tablet := s.tablet()
			at := "/account/devices/" + string(s.amelie.user.Devices[0].ID)
			if got := tablet.post(at+"/show", "name", "Mallory", "code", "000000"); got.StatusCode != http.StatusUnauthorized {
				s.t.Errorf("got %d to %q", got.StatusCode, got.next())
			}
			if got := tablet.get(at + "/copy"); got.StatusCode == http.StatusOK {
				s.t.Error("the page shows the key")
			}
			stepUpFirst(s, tablet, "/account/add")
		}, "manager", both},
		{"recovery codes, on a shared tablet", "password", "colleague", "where another signed in, a sign-in by code is no step-up (5)", func(s *scene) {
			tablet := s.tablet()
			stepUpFirst(s, tablet, "/account/recovery")
			tablet.post("/account/recovery")
			if got := tablet.get("/enrol/recovery"); got.StatusCode == http.StatusOK {
				s.t.Error("the page shows recovery codes")
			}
			b := s.attacker.fresh()
			b.post("/login", "identifier", amelie, "password", authntest.Password)
			b.post("/login/factor/recovery", "code", "AAAA-BBBB-CCCC-DDDD")
		}, "manager", both},
		{"a second phone is offered from a colleague's session", "password", "colleague", "a form acts only for the user of its page (3)", func(s *scene) {
			b := s.paul.console().browser
			s.paul.console().proves("/account/add")
			b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "other")
			phone := &authntest.Phone{Env: s.Env, Secret: secretIn(s.t, b.shows("/enrol/phone").body)}
			if got := b.post("/enrol/phone", "name", "Mallory", "code", string(phone.Code()), "subject", s.subjectOf(s.amelie.user.ID)); got.StatusCode != http.StatusConflict {
				s.t.Errorf("the form for Amélie: got %d", got.StatusCode)
			}
			s.attacker.phones = append(s.attacker.phones, phone)
		}, "manager", both},
		{"the user's request is followed in another browser", "story", "colleague", "a browser follows its own texts only (19)", func(s *scene) {
			hers := s.browser(s.t)
			at := s.helpForm(hers, "My phone fell into the pit.")
			for _, b := range []*browser{s.attacker.fresh(), s.paul.console().browser} {
				if got := b.shows("/help/request/progress"); strings.Contains(got.body, s.request(s.t, at).Reference) {
					s.t.Error("another browser follows the request")
				}
			}
		}, "agent", func(s *scene) { s.resets(s.zoe) }},
		{"an answer with a link to a false page", "password", "agent", "an answer changes nothing, and the password is not enough (A1)", func(s *scene) {
			at := s.helpForm(s.browser(s.t), "I am Amélie.")
			s.zoe.does(at + "/take")
			s.zoe.does(at+"/answer", "answer", "Type your code at https://login.elsewhere.example/ now.")
			if _, found := newest[notice.HelpAnswered](s, amelie); !found {
				s.t.Error("no answer")
			}
		}, "colleague", byColleague(theAgent)},
		{"the manager begins one handover after another", "password", "manager", "each witness refuses, and there are five handovers a day (9)", func(s *scene) {
			for range 6 {
				s.handsOver(s.karim, s.paul, false)
			}
		}, "colleague", func(s *scene) {
			s.hours(25)
			s.witnessed(s.karim, s.paul)
		}},
	}
}

// tablet returns a browser in which Paul signed in and out, and Amélie signed in a moment ago.
func (s *scene) tablet() *browser {
	s.t.Helper()
	b := s.browser(s.t)
	b.signIn(s.paul.user.Login, s.paul.phone)
	b.goes("/logged-out", "/logout")
	b.signIn(amelie, s.amelie.phone)
	s.own()
	return b
}

// stepUpFirst requires that a page asks for a step-up.
func stepUpFirst(s *scene, b *browser, path string) {
	s.t.Helper()
	if got := b.get(path); !strings.HasPrefix(got.next(), "/account/prove") {
		s.t.Errorf("%s: got %d to %q, want the step-up", path, got.StatusCode, got.next())
	}
}
