package sample

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"barillet/authn"
)

// cookieName holds nothing but the name of a visit.
const cookieName = "planning"

// maxVisits is how many browsers are remembered; beyond that all are forgotten, which a demonstration can do.
const maxVisits = 1000

// visit is what is known of one browser.
type visit struct {
	state, nonce string       // of a sign-in under way; "" when there is none
	verifier     authn.Secret // of its PKCE
	known        bool         // somebody is signed in
	idToken      authn.Secret
	claims       map[string]string
	until        time.Time
}

// visits are those of all browsers, by the value of their cookie.
type visits struct {
	mu  sync.Mutex
	all map[string]*visit
}

// of is the visit of a browser, and its name; the zero value for a stranger.
func (s *visits) of(r *http.Request, now time.Time) (visit, string) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return visit{}, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.all[c.Value]
	if v == nil || !now.Before(v.until) {
		delete(s.all, c.Value)
		return visit{}, ""
	}
	return *v, c.Value
}

// put remembers a visit under a new name, in the place of the one before: a name that somebody planted is worth nothing.
func (s *visits) put(w http.ResponseWriter, before string, v visit) {
	name := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, before)
	if len(s.all) >= maxVisits {
		clear(s.all)
	}
	s.all[name] = &v
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// forget ends the visits that a judge names.
func (s *visits) forget(ended func(name string, v *visit) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, v := range s.all {
		if ended(name, v) {
			delete(s.all, name)
		}
	}
}
