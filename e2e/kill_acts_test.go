package e2e_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// tries calls as Call does, and gives nil where the program was cut off.
func (a *API) tries(method, path, key, body string) *Answer {
	r, err := http.NewRequest(method, a.Base+path, strings.NewReader(body))
	if err != nil {
		a.tb.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "SSWS "+a.Token)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w, err := a.client.Do(r)
	if err != nil {
		return nil
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return nil
	}
	return &Answer{Status: w.StatusCode, Header: w.Header, Body: text, tb: a.tb, call: method + " " + path}
}

// actor is a user whom an API client manages, with the results that the client received in this round.
type actor struct {
	*Member
	env       *Env
	desk      *API
	key       string
	temporary string // the temporary password, if received
	changed   bool   // one was requested
	phone     *Phone // the enrolled phone, if the response was received
	factor    string
	counts    bool // the response to its activation was received
	used      string
	approval  string
	approved  bool // the response to the approval was received
	second    *API
}

// temp requests a temporary password.
func (s *actor) temp() {
	s.changed = true
	answer := s.desk.tries("POST", "/users/"+s.Login+"/lifecycle/expire_password_with_temp_password", s.key, "")
	var got struct{ TempPassword string }
	if answer != nil && answer.Status == http.StatusOK {
		answer.Into(&got)
		s.temporary = s.env.Secret("temporary password", got.TempPassword)
	}
}

// enrolled has a phone enrolled by a program.
func (s *actor) enrolled() {
	answer := s.desk.tries("POST", "/users/"+s.Login+"/factors", "", `{"factorType": "token:software:totp", "provider": "OKTA", "name": "Tablette"}`)
	if answer == nil || answer.Status != http.StatusOK {
		return
	}
	var x tree
	answer.Into(&x)
	secret, _ := x.at("_embedded", "activation", "sharedSecret").(string)
	s.factor, _ = x["id"].(string)
	s.phone = &Phone{env: s.env, Secret: s.env.Secret("secret of a tablet", secret)}
	s.used = s.phone.Code()
	answer = s.desk.tries("POST", "/users/"+s.Login+"/factors/"+s.factor+"/lifecycle/activate", "", `{"passCode": "`+s.used+`"}`)
	s.counts = answer != nil && answer.Status == http.StatusOK
}

// approve gives the second word.
func (s *actor) approve() {
	answer := s.second.tries("POST", "/approvals/"+s.approval, s.key, "")
	s.approved = answer != nil && answer.Status == http.StatusOK
}

// judgeTemp checks that a received password works once and the previous one does not work. If no response was received,
// the same key creates a password, or one exists that is never shown.
func (s *actor) judgeTemp(t *testing.T) {
	t.Helper()
	h := s.env
	old := h.Visitor(t).Post("/login", "identifier", s.Login, "password", s.Password).Is("/login/factor")
	if s.temporary == "" {
		again := s.desk.keyed(s.key).Call("POST", "/users/"+s.Login+"/lifecycle/expire_password_with_temp_password", nil).Want(200)
		if done := again.Header.Get("Idempotency-Replayed") == "true"; done == old {
			t.Errorf("%s: a temporary password was made: %v, and the one before is good: %v", s.Login, done, old)
		}
		return
	}
	if old {
		t.Errorf("%s: the password from before a temporary one that was told is good", s.Login)
	}
	v := h.Visitor(t)
	v.Post("/login", "identifier", s.Login, "password", s.temporary).want(t, "/login/factor")
	v.Post("/login/factor", "code", s.Phone.Next()).want(t, "/login/password")
	chosen := h.Secret("chosen password", "douze clefs plates et un cric "+s.Login[:12])
	v.Post("/login/password", "password", chosen).want(t, "/account")
	h.Kill()
	h.Restart()
	if h.Visitor(t).Post("/login", "identifier", s.Login, "password", s.temporary).Is("/login/factor") {
		t.Errorf("%s: a temporary password is good a second time", s.Login)
	}
	h.Visitor(t).Post("/login", "identifier", s.Login, "password", chosen).want(t, "/login/factor")
}

// judgeEnrolled checks that a received secret is pending or active, and that the code that activated it is used.
func (s *actor) judgeEnrolled(t *testing.T) {
	t.Helper()
	if s.phone == nil {
		return
	}
	path := "/users/" + s.Login + "/factors/" + s.factor
	var got struct{ Status string }
	s.desk.Call("GET", path, nil).Want(200).Into(&got)
	pending := got.Status == "PENDING_ACTIVATION"
	if s.counts && pending {
		t.Errorf("%s: an activation that was told is lost", s.Login)
	}
	if pending {
		s.desk.Call("POST", path+"/lifecycle/activate", map[string]string{"passCode": s.phone.Code()}).Want(200)
	} else {
		s.desk.Call("POST", path+"/lifecycle/activate", map[string]string{"passCode": s.phone.Next()}).Want(404)
	}
	// The person confirms it with a later code, never with the one that activated it.
	v := s.env.Visitor(t)
	s.signIn(v)
	v.Post("/account/prove", "code", s.Phone.Next(), "next", "/account").want(t, "/account")
	if v.Post("/account/devices/"+s.factor+"/confirm", "code", s.used).Is("/account") {
		t.Errorf("%s: the code that activated a phone is good again", s.Login)
	}
	v.Post("/account/devices/"+s.factor+"/confirm", "code", s.phone.Next()).want(t, "/account")
}

// judgeApproved checks that the approval counts once, with and without a received response and the key.
func (s *actor) judgeApproved(t *testing.T) {
	t.Helper()
	path := "/approvals/" + s.approval
	events := len(s.env.resets(s.Login))
	if s.approved && events != 1 {
		t.Errorf("%s: got %d resets, want the one that was told", s.Login, events)
	}
	again := s.second.keyed(s.key).Call("POST", path, nil).Want(200)
	if replayed := again.Header.Get("Idempotency-Replayed") == "true"; replayed != (events == 1) {
		t.Errorf("%s: done %d times, answered from what was kept: %v", s.Login, events, replayed)
	}
	s.second.Call("POST", path, nil).Want(404)
	if got := len(s.env.resets(s.Login)); got != 1 || s.phones(s.env) != 0 {
		t.Errorf("%s: got %d resets and %d phones, want one reset", s.Login, got, s.phones(s.env))
	}
}

// TestKill_KeepsConfirmedAPIChanges kills the program while API clients set temporary passwords, enrol phones and approve
// resets. Confirmed changes remain, and no one-time credential works twice. BARILLET_KILLS sets the number of kills.
func TestKill_KeepsConfirmedAPIChanges(t *testing.T) {
	h := Open(t, EnvOptions{})
	rounds := 2
	if os.Getenv("BARILLET_KILLS") != "" {
		rounds = kills(t)
	}
	desk := func() *API {
		return h.API(h.Secret("token of the desk", h.Run("token", "create", "--name", "desk", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	}
	var owned []*API
	for n := range 2 {
		boss := h.Member(t, fmt.Sprintf("chef%d@garage.example", n))
		h.Admin.Call("POST", "/users/"+boss.Login+"/roles", map[string]any{"type": "USER_ADMIN"}).Want(201)
		owned = append(owned, h.API(h.Secret("token of a person", h.Run("token", "create", "--name", "x", "--role", "USER_ADMIN", "--owner", boss.Login).OK(t))))
	}
	told, cut := 0, 0
	for round := range rounds {
		caller := desk()
		actors := make([]*actor, 3)
		for n := range actors {
			actors[n] = &actor{Member: h.Member(t, person(3*round+n)), env: h, desk: caller, key: fmt.Sprintf("k%d-%d", round, n), second: owned[1]}
		}
		reset := actors[2]
		h.Admin.Call("POST", "/users/"+reset.Login+"/roles", map[string]any{"type": "USER_ADMIN"}).Want(201)
		var waits struct{ ID string }
		owned[0].Call("POST", "/users/"+reset.Login+"/lifecycle/reset_factors", map[string]any{"reason": "perdu"}).Want(202).Into(&waits)
		reset.approval = waits.ID
		h.Clock.NextStep()
		var all sync.WaitGroup
		for n, act := range []func(){actors[0].temp, actors[1].enrolled, reset.approve} {
			all.Go(func() {
				<-time.After(time.Duration(rand.IntN(10*(n+1))) * time.Millisecond)
				act()
			})
		}
		if round == 0 { // once with every answer for sure
			all.Wait()
		} else {
			<-time.After(time.Duration(rand.IntN(200)) * time.Millisecond)
		}
		h.Kill()
		all.Wait()
		h.Restart()
		for _, is := range []bool{actors[0].temporary != "", actors[1].counts, reset.approved} {
			if is {
				told++
			} else {
				cut++
			}
		}
		actors[0].judgeTemp(t)
		actors[1].judgeEnrolled(t)
		reset.judgeApproved(t)
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	t.Logf("%d kills: %d acts told before them, %d cut off", rounds, told, cut)
	if told < 3 {
		t.Errorf("got %d acts told: nothing is proven", told)
	}
}
