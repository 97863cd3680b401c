package sample

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"barillet/internal/secret"
)

// cookieName is the cookie that contains the random name of a visit.
const cookieName = "planning"

// maxVisits is the maximum number of visits. If it is exceeded, all are deleted.
const maxVisits = 1000

// visit is the state of one browser.
type visit struct {
	state, nonce string       // of an active sign-in; "" without one
	verifier     secret.Value // of PKCE
	known        bool         // a user is signed in
	idToken      secret.Value
	claims       map[string]string
	until        time.Time
}

// visits are the visits of all browsers, by cookie.
type visits struct {
	mu  sync.Mutex
	all map[string]*visit
}

// of returns the visit of a browser and its name, or a zero visit.
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

// put stores a visit under a new name and deletes the old one, which prevents session fixation.
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

// forget deletes the visits for which ended returns true.
func (s *visits) forget(ended func(name string, v *visit) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, v := range s.all {
		if ended(name, v) {
			delete(s.all, name)
		}
	}
}
