package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// narrows stands between a client and the service. Its first request finds the limit of its token used up, by others
// who use the same token; from then on it is let through. It notes what the client was answered.
type narrows struct {
	env   *Env
	token string
	next  *httputil.ReverseProxy

	mu     sync.Mutex
	full   bool
	status []int
}

func openNarrows(t *testing.T, h *Env, token string) (*narrows, string) {
	t.Helper()
	at, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	n := &narrows{env: h, token: token}
	n.next = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }} // and the Host with it
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return n, server.URL
}

func (n *narrows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		kept := httptest.NewRecorder()
		if !n.full {
			n.drain()
		}
		n.next.ServeHTTP(kept, r.Clone(r.Context()))
		// The limit returns one call every tenth of a second. A call that it let through is repeated.
		if !n.full && kept.Code != http.StatusTooManyRequests {
			continue
		}
		n.full = true
		n.status = append(n.status, kept.Code)
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes()) // a client that went away is its own test's failure
		return
	}
}

// drain uses up what is left of the token's calls.
func (n *narrows) drain() {
	api := n.env.API(n.token)
	for range 10000 {
		if api.Call("GET", "/groups", nil).Status == http.StatusTooManyRequests {
			return
		}
	}
	n.env.tb.Error("there is no limit to the calls of a token")
}

func TestOkta_ClientsWaitForRateLimit(t *testing.T) {
	h := Open(t, EnvOptions{})
	h.invitation("zoe@garage.example", "Zoé")
	for _, c := range oktaClients {
		token := h.token(c.name)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, base := openNarrows(t, h, token)
			p, err := c.make(t, base, token).Person("zoe@garage.example")
			if err != nil || p.Login != "zoe@garage.example" {
				t.Fatalf("got %v, %v, want Zoé in the end", p, err)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			if len(n.status) != 2 || n.status[0] != http.StatusTooManyRequests || n.status[1] != http.StatusOK {
				t.Errorf("got the answers %v, want that the client was told to wait, and waited long enough", n.status)
			}
		})
	}
}
