package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/web"
)

// Each request is observed and logged once, also one that is cut off after its answer began. The pattern is that of a route.
func TestObserve_SeesEachRequestOnce(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	p := open(t, func(c *web.Config) {
		c.Observe = func(pattern string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(pattern, " ", status))
		}
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_ = http.NewResponseController(w).Flush()
			panic("late")
		})
	})
	p.ask("GET", "/login", "")
	p.ask("GET", "/ticket/zorglub", "")
	p.ask("GET", "/zorglub", "")
	p.ask("ZORGLUB", "/login", "")
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.server.URL+"/api/v1/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "login.example"
	if res, err := p.server.Client().Do(r); err == nil {
		res.Body.Close()
	}
	p.server.Close() // waits for the request
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"GET /login 200", "GET /ticket/{token} 404", " 404", " 405", "/api/ 202"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	if lines := strings.Count(p.log.String(), "msg=request "); lines != len(seen) {
		t.Errorf("got %d lines for %d requests:\n%s", lines, len(seen), p.log)
	}
}
