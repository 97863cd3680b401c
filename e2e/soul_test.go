package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// soul is one user under load, with the results that the test received in this round.
type soul struct {
	*Member
	env   *Env
	desk  *API
	named string // name of the active phone

	told, cut int // answered and interrupted operations in this round

	before *Visitor // signed in before a reset
	in     *Visitor // signed in, with a received response
	used   string   // a code that was accepted
	ticket string   // the ticket code of a reset, if received
	asked  bool     // a reset was requested
	fresh  *Phone   // a phone whose enrolment was requested
	newer  string   // its name
	joined bool     // the response to its enrolment was received
}

// begin removes the results of the previous round.
func (s *soul) begin(round int) {
	before := s.in
	*s = soul{Member: s.Member, env: s.env, desk: s.desk, named: s.named, before: before}
	s.newer = fmt.Sprintf("Téléphone %d", round)
}

// live runs one chain of operations until it ends or is interrupted: 0 signs in, 1 resets, 2 resets and enrols again.
func (s *soul) live(chain int) {
	if chain == 0 {
		s.signInOnce()
		return
	}
	if s.resetOnce() && chain == 2 {
		s.enrolOnce()
	}
}

// tell submits a form and reports whether the response arrived and is the wanted page.
func (s *soul) tell(v *Visitor, path, want string, fields ...string) (Sheet, bool) {
	page, err := v.Try(path, fields...)
	if err != nil {
		s.cut++
		return Sheet{}, false
	}
	return page, page.Is(want)
}

func (s *soul) signInOnce() {
	v, code := s.env.Visitor(s.tb), s.Phone.Code()
	if _, ok := s.tell(v, "/login", "/login/factor", "identifier", s.Login, "password", s.Password); !ok {
		return
	}
	if _, ok := s.tell(v, "/login/factor", "/account", "code", code); ok {
		s.in, s.used = v, code
		s.told++
	}
}

func (s *soul) resetOnce() bool {
	s.asked = true
	request, err := http.NewRequest("POST", s.desk.Base+"/users/"+s.Login+"/lifecycle/reset_factors",
		strings.NewReader(`{"reason": "charge", "sendEmail": false}`))
	if err != nil {
		return false
	}
	request.Header.Set("Authorization", "SSWS "+s.desk.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.cut++
		return false
	}
	defer response.Body.Close()
	var got receipt
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.StatusCode != http.StatusOK {
		s.cut++
		return false
	}
	s.ticket = s.env.Secret("ticket of "+s.Login, got.Ticket.Code)
	s.told++
	return true
}

func (s *soul) enrolOnce() {
	v := s.env.Visitor(s.tb)
	if _, ok := s.tell(v, "/login", "/login/ticket", "identifier", s.Login, "password", s.Password); !ok {
		return
	}
	if _, ok := s.tell(v, "/login/ticket", "/enrol", "ticket", s.ticket); !ok {
		return
	}
	page, ok := s.tell(v, "/enrol/begin", "/enrol/phone", "kind", "totp", "app", "other")
	if !ok {
		return
	}
	s.fresh = &Phone{env: s.env, Secret: s.env.Secret("otpauth secret", page.find(s.tb, `data-copy="([A-Z2-7]+)"`))}
	code := s.fresh.Code()
	if _, ok := s.tell(v, "/enrol/phone", "/enrol/second", "name", s.newer, "code", code); ok {
		s.in, s.used, s.joined = v, code, true
		s.told++
	}
}

// phones returns the names of the user's phones by the API after the restart.
func (s *soul) phones() []string {
	s.tb.Helper()
	var devices []struct{ Name, FactorType string }
	s.desk.Call("GET", "/users/"+s.Login+"/factors", nil).Want(200).Into(&devices)
	var names []string
	for _, d := range devices {
		if d.FactorType == "token:software:totp" {
			names = append(names, d.Name)
		}
	}
	return names
}

// judge compares the state with the received results, while the codes of the round are still valid.
func (s *soul) judge(t *testing.T) {
	t.Helper()
	got := s.phones()
	old, none, anew := []string{s.named}, []string(nil), []string{s.newer}
	may := [][]string{old}
	switch {
	case s.joined:
		may = [][]string{anew}
	case s.fresh != nil:
		may = [][]string{none, anew}
	case s.ticket != "":
		may = [][]string{none}
	case s.asked:
		may = [][]string{old, none}
	}
	if !slices.ContainsFunc(may, func(names []string) bool { return slices.Equal(names, got) }) {
		t.Errorf("%s has the phones %q after the restart, want one of %q", s.Login, got, may)
	}
	if s.in != nil && !s.in.signedIn() {
		t.Errorf("%s was told to be signed in and is not", s.Login)
	}
	if s.before != nil && s.ticket != "" && s.before.signedIn() {
		t.Errorf("%s is signed in although a reset was told", s.Login)
	}
	if slices.Equal(got, anew) {
		s.Phone, s.named = s.fresh, s.newer
	}
	if s.used == "" && !s.joined {
		return
	}
	v := s.env.Visitor(t)
	s.give(v).want(t, "/login/factor")
	if v.Post("/login/factor", "code", s.used).Is("/account") {
		t.Errorf("%s signed in by a code that was used before the restart", s.Login)
	}
	if s.ticket != "" && v.Post("/login/ticket", "ticket", s.ticket).Is("/enrol") {
		t.Errorf("%s may enrol by a ticket that was spent before the restart", s.Login)
	}
}

// comeBack signs the user in: with the phone, with the received ticket, or after another reset.
func (s *soul) comeBack(t *testing.T) {
	t.Helper()
	v := s.env.Visitor(t)
	if len(s.phones()) > 0 {
		s.give(v).want(t, "/login/factor")
		v.Post("/login/factor", "code", s.Phone.Code()).want(t, "/account")
		s.in = v
		return
	}
	if s.ticket == "" {
		var got receipt
		s.desk.Call("POST", "/users/"+s.Login+"/lifecycle/reset_factors", map[string]any{"reason": "charge", "sendEmail": false}).Want(200).Into(&got)
		if s.ticket = got.Ticket.Code; s.ticket == "" {
			// A ticket is open, even if the response was lost, and another reset changes nothing (protocol rule 11).
			s.ticket = s.env.handed(s.Login)
		}
	}
	s.give(v).want(t, "/login/ticket")
	v.Post("/login/ticket", "ticket", s.ticket).want(t, "/enrol")
	page := v.Post("/enrol/begin", "kind", "totp", "app", "other").want(t, "/enrol/phone")
	s.Phone = &Phone{env: s.env, Secret: s.env.Secret("otpauth secret", page.find(t, `data-copy="([A-Z2-7]+)"`))}
	s.named = s.newer + " bis"
	v.Post("/enrol/phone", "name", s.named, "code", s.Phone.Code()).want(t, "/enrol/second")
	s.in = v
}
