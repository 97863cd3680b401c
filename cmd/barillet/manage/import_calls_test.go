package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

// service responds to the calls of an import as the real one does, unless trouble returns another response.
type service struct {
	mu      sync.Mutex
	calls   int
	trouble func(call int) *http.Response // nil: none; a response without a status is a lost one
	made    map[string]time.Time          // by login
	twice   []string
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var ask struct{ Users []importRow }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		return nil, err
	}
	var refused *http.Response
	if s.trouble != nil {
		refused = s.trouble(s.calls)
	}
	if refused != nil && refused.StatusCode != 0 {
		return refused, nil
	}
	var said struct {
		Users []importOutcome `json:"users"`
	}
	for _, n := range ask.Users {
		login := string(n.Profile["login"])
		if _, there := s.made[login]; there {
			s.twice = append(s.twice, login)
			said.Users = append(said.Users, importOutcome{Outcome: "exists"})
			continue
		}
		s.made[login] = time.Now()
		said.Users = append(said.Users, importOutcome{Outcome: "created", Invited: true})
	}
	if refused != nil {
		return nil, errors.New("the connection was lost")
	}
	text, err := json.Marshal(said)
	return response(200, string(text)), err
}

func response(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// rows returns n rows, one a line.
func rows(n int) []importRow {
	out := make([]importRow, n)
	for i := range out {
		out[i] = importRow{Profile: map[string]json.RawMessage{"login": json.RawMessage(fmt.Sprintf(`"p%d@garage.example"`, i))}, csv: usercsv.Row{Line: i + 2}}
	}
	return out
}

// createMany creates n users and returns how long that took.
func createMany(ctx context.Context, s *service, invite bool, n int) (done importSummary, stderr string, took time.Duration, err error) {
	var out bytes.Buffer
	m := &CLI{Program: &cli.Program{Stderr: &out, Now: time.Now}}
	s.made = map[string]time.Time{}
	start := time.Now()
	err = m.createUsers(ctx, NewClient("http://localhost", "", s, func() {}), rows(n), invite, &done)
	return done, out.String(), time.Since(start), err
}

func TestImport_MakesConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		done, _, took, err := createMany(t.Context(), s, true, 1000)
		if err != nil || done.Created != 1000 || done.Invited != 1000 || s.calls != 40 || took > 10*MaxCalls*time.Millisecond {
			t.Errorf("got %+v in %d calls and %v, %v", done, s.calls, took, err)
		}
	})
}

func TestImport_RepeatsCallWhileServiceIsUnavailable(t *testing.T) {
	busy := `{"title":"Too many requests","detail":"Too many requests"}`
	for name, c := range map[string]struct {
		trouble func(call int) *http.Response
		created int // as far as the command knows
		waits   time.Duration
	}{
		"too many requests": {func(n int) *http.Response {
			if n == 1 {
				return response(429, busy, "Retry-After", "30")
			}
			return nil
		}, 5, 30 * time.Second},
		"a full disk for some time": {func(n int) *http.Response {
			if n < 4 {
				return response(503, busy)
			}
			return nil
		}, 5, 7 * time.Second},
		"a lost response": {func(n int) *http.Response {
			if n == 1 {
				return &http.Response{}
			}
			return nil
		}, 0, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{trouble: c.trouble}
			done, _, took, err := createMany(t.Context(), s, false, 5)
			if err != nil || done.Created != c.created || done.Created+done.Existed != 5 || len(s.made) != 5 {
				t.Errorf("%s: got %+v and %d users, %v", name, done, len(s.made), err)
			}
			if took < c.waits || took > c.waits+time.Second {
				t.Errorf("%s: took %v, want %v", name, took, c.waits)
			}
		})
	}
}

func TestImport_EndsAfterPermanentError(t *testing.T) {
	for name, trouble := range map[string]func(int) *http.Response{
		"forbidden":              func(int) *http.Response { return response(403, `{"title":"Not allowed","detail":"Not allowed"}`) },
		"always busy":            func(int) *http.Response { return response(503, `{"title":"Busy","detail":"Busy"}`) },
		"a response for no user": func(int) *http.Response { return response(200, `{"users":[]}`) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{trouble: trouble}
			done, _, _, err := createMany(t.Context(), s, false, 100)
			if err == nil || done.Created != 0 {
				t.Errorf("%s: got %+v, %v", name, done, err)
			}
			if most := 4 * maxAttempts; s.calls > most {
				t.Errorf("%s: got %d calls, want at most %d", name, s.calls, most)
			}
		})
	}
}

func TestImport_CountsActiveCallsAfterInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(15*time.Millisecond, cancel)
		s := &service{}
		done, _, _, err := createMany(ctx, s, true, 1000)
		if err == nil || !strings.Contains(err.Error(), "interrupted") || done.Created != 2*MaxCalls*maxCreate || len(s.made) != done.Created {
			t.Errorf("got %+v with %d created, %v", done, len(s.made), err)
		}
	})
}

func TestProgress_PrintsALinePerTenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, stderr, _, err := createMany(t.Context(), &service{}, false, 1000)
		if err != nil || strings.Count(stderr, "\n") != 10 || !strings.HasSuffix(stderr, "created 1000 of 1000\n") {
			t.Errorf("got %q, %v", stderr, err)
		}
		if _, stderr, _, _ = createMany(t.Context(), &service{}, false, 10); stderr != "" {
			t.Errorf("got %q for ten users", stderr)
		}
	})
}
