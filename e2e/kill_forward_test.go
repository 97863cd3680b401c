package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"
)

// asksGate asks /forward-auth as a proxy does for a browser; nil where the program was cut off.
func (h *Env) asksGate(uri string, cookies []*http.Cookie) *http.Response {
	r, err := http.NewRequest("GET", h.URL+"/forward-auth", nil)
	if err != nil {
		h.tb.Error(err)
		return nil
	}
	r.Header = http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"wiki.localhost:8099"},
		"X-Forwarded-Uri": {uri}, "X-Forwarded-For": {"192.0.2.7"}, "Accept": {"text/html"}}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w, err := loopbackClient.Do(r)
	if err != nil {
		return nil
	}
	_ = w.Body.Close()
	return w
}

// entered reports whether a response has a cookie that the application accepts.
func (h *Env) entered(w *http.Response) bool {
	if w == nil || len(w.Cookies()) == 0 {
		return false
	}
	in := h.asksGate("/page", w.Cookies())
	return in != nil && in.StatusCode == http.StatusOK && in.Header.Get("Remote-User") != ""
}

// TestKill_ReturnCodeWorksOnce kills the program while a browser comes back to an application: the cookie
// that it was given is good after the restart, and its code gives no second one.
func TestKill_ReturnCodeWorksOnce(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied + "\n[forward_auth]\nrules = [\"wiki.localhost:8099\"]\n"})
	m := h.Member(t, person(0))
	rounds := 3
	if os.Getenv("BARILLET_KILLS") != "" {
		rounds = kills(t)
	}
	told, cut := 0, 0
	for round := range rounds {
		sent := h.asksGate("/page", nil)
		if sent == nil || sent.StatusCode != http.StatusFound || len(sent.Cookies()) != 1 {
			t.Fatalf("got %+v, want to be sent to the sign-in", sent)
		}
		page := m.Get(sent.Header.Get("Location"))
		back, err := url.Parse(page.find(t, `href="(http://wiki\.localhost:8099/\.barillet/return\?code=[^"]+)"`))
		if err != nil {
			t.Fatal(err)
		}
		h.Secret("code of the gate", back.Query().Get("code"))
		answer := make(chan *http.Response, 1)
		go func() { answer <- h.asksGate(back.RequestURI(), sent.Cookies()) }()
		first := (*http.Response)(nil)
		if round == 0 { // once with an answer for sure
			first = <-answer
			h.Kill()
		} else {
			<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond)
			h.Kill()
			first = <-answer
		}
		h.Restart()
		in := h.entered(first)
		if first != nil && first.StatusCode == http.StatusFound && !in {
			t.Errorf("round %d: a browser that was let in is outside after the restart", round)
		}
		again := h.entered(h.asksGate(back.RequestURI(), sent.Cookies()))
		if in && again {
			t.Errorf("round %d: a code of the gate worked twice", round)
		}
		if h.entered(h.asksGate(back.RequestURI(), sent.Cookies())) {
			t.Errorf("round %d: a code of the gate worked after it was used", round)
		}
		if in {
			told++
		} else {
			cut++
		}
	}
	t.Logf("%d kills: %d browsers let in before them, %d cut off", rounds, told, cut)
	if told == 0 {
		t.Error("nobody was let in: nothing is proven")
	}
}
