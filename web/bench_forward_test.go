package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/secret"
	"barillet/web"
	"barillet/web/forwardauth"
)

// asking are the headers with which a proxy asks about a request to the wiki.
func asking() map[string]string {
	return map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": wiki, "X-Forwarded-Uri": "/page?id=7",
		"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
}

// doorman returns the handler with one rule, and the forward-auth cookies of n users.
func (a *arena) doorman(b *testing.B, people int) (http.Handler, []string) {
	b.Helper()
	c, _ := config(b, a.crowd.Env)
	c.Now, c.Log = a.crowd.Accounts.Now, slog.New(slog.NewJSONHandler(io.Discard, nil))
	rule, err := forwardauth.ParseRule(wiki)
	if err != nil {
		b.Fatal(err)
	}
	if c.ForwardAuth, err = forwardauth.New(forwardauth.Config{Sessions: c.Sessions, Rules: []forwardauth.Rule{rule}, PublicURL: c.PublicURL, TrustedProxies: c.TrustedProxies}); err != nil {
		b.Fatal(err)
	}
	handler, err := web.New(c)
	if err != nil {
		b.Fatal(err)
	}
	nonce := secret.From(strings.Repeat("n", 43))
	var cookies []string
	for _, sess := range a.crowd.CreateSessions(people) {
		code, err := c.Sessions.NewReturnCode(b.Context(), account.RequestInfo{}, sess, wiki, session.ForwardState(nonce))
		if err != nil {
			b.Fatal(err)
		}
		secret, err := c.Sessions.RedeemReturnCode(b.Context(), account.RequestInfo{}, code, wiki, nonce)
		if err != nil {
			b.Fatal(err)
		}
		cookies = append(cookies, "__Host-barillet-forward="+secret.Reveal())
	}
	return handler, cookies
}

// BenchmarkForwardAuth is the whole answer to a proxy: every middleware, three records, the rule, the headers, a line
// in the log. "answer" is beside the session check alone and beside net/http alone; "handler" counts allocations without
// a network.
func BenchmarkForwardAuth(b *testing.B) {
	a := openArena(b, 100)
	handler, cookies := a.doorman(b, 100)
	sessions := a.crowd.CreateSessions(100)
	ask := func(server, path string, cookie func(i int) string, header map[string]string) func(*testing.B) job {
		return func(*testing.B) job {
			j := job{Server: server, Repeat: true}
			for i := range 100 {
				j.Acts = append(j.Acts, act{{Method: "GET", Path: path, Cookie: cookie(i), Header: header}})
			}
			return j
		}
	}
	gates := func(i int) string { return cookies[i] }
	b.Run("answer", func(b *testing.B) {
		t := compare(b, 8, legTime(), side{"answers", ask(listen(b, handler), "/forward-auth", gates, asking())},
			side{"check", ask(listen(b, a.checker()), "/", func(i int) string { return "__Host-barillet=" + sessions[i].Reveal() }, nil)},
			side{"hello", ask(a.bare, "/hello", gates, asking())})
		b.ReportMetric(median(t["answers"], tally.each)/median(t["hello"], tally.each), "x-cpu-hello")
		b.ReportMetric(median(t["answers"], tally.each)/median(t["check"], tally.each), "x-cpu-check")
	})
	b.Run("handler", func(b *testing.B) {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "https://login.example/forward-auth", nil)
		r.RemoteAddr = "127.0.0.1:5000"
		for name, value := range asking() {
			r.Header.Set(name, value)
		}
		r.Header.Set("X-Forwarded-For", "198.18.0.1")
		r.Header.Set("Cookie", cookies[0])
		b.ReportAllocs()
		for b.Loop() {
			w := &answerless{header: http.Header{}}
			if handler.ServeHTTP(w, r); w.status != http.StatusOK {
				b.Fatalf("got %d", w.status)
			}
		}
	})
}

// answerless takes an answer at next to no cost.
type answerless struct {
	header http.Header
	status int
}

func (w *answerless) Header() http.Header         { return w.header }
func (w *answerless) WriteHeader(status int)      { w.status = status }
func (w *answerless) Write(p []byte) (int, error) { return len(p), nil }
