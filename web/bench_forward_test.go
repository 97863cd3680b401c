package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"barillet/web"
	"barillet/web/forwardauth"
)

// asking are the headers with which a proxy asks about a request to the wiki.
func asking() map[string]string {
	return map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": wiki, "X-Forwarded-Uri": "/page?id=7",
		"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
}

// BenchmarkForwardAuth is the handler without a network and without the program's settings: time and allocations.
func BenchmarkForwardAuth(b *testing.B) {
	s := openStage(b, nil)
	p := s.seeded.Population(b, stageUsers)
	c, _ := config(b, p.Env)
	c.Now, c.Log = p.Accounts.Now, slog.New(slog.NewJSONHandler(io.Discard, nil))
	rule, err := forwardauth.ParseRule(wiki)
	if err == nil {
		c.ForwardAuth, err = forwardauth.New(forwardauth.Config{Sessions: c.Sessions, Rules: []forwardauth.Rule{rule}, PublicURL: c.PublicURL, TrustedProxies: c.TrustedProxies})
	}
	if err != nil {
		b.Fatal(err)
	}
	handler, err := web.New(c)
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "https://login.example/forward-auth", nil)
	r.RemoteAddr = "127.0.0.1:5000"
	for name, value := range asking() {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Forwarded-For", "198.18.0.1")
	r.Header.Set("Cookie", s.forwards[0])
	b.ReportAllocs()
	for b.Loop() {
		w := &answerless{header: http.Header{}}
		if handler.ServeHTTP(w, r); w.status != http.StatusOK {
			b.Fatalf("got %d", w.status)
		}
	}
}

// answerless takes an answer at next to no cost.
type answerless struct {
	header http.Header
	status int
}

func (w *answerless) Header() http.Header         { return w.header }
func (w *answerless) WriteHeader(status int)      { w.status = status }
func (w *answerless) Write(p []byte) (int, error) { return len(p), nil }
