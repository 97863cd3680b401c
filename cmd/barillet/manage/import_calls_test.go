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

// service answers the calls of an import as the real one does, unless trouble says otherwise.
type service struct {
	mu      sync.Mutex
	calls   int
	trouble func(call int) *http.Response // nil: none; an answer without a status is a lost one
	made    map[string]time.Time          // by login
	twice   []string
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var ask struct{ People []newcomer }
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
		People []outcome `json:"people"`
	}
	for _, n := range ask.People {
		login := string(n.Profile["login"])
		if _, there := s.made[login]; there {
			s.twice = append(s.twice, login)
			said.People = append(said.People, outcome{Outcome: "known"})
			continue
		}
		s.made[login] = time.Now()
		said.People = append(said.People, outcome{Outcome: "created", Invited: true})
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

// crowd are so many newcomers, one a line.
func crowd(n int) []newcomer {
	out := make([]newcomer, n)
	for i := range out {
		out[i] = newcomer{Profile: map[string]json.RawMessage{"login": json.RawMessage(fmt.Sprintf(`"p%d@garage.example"`, i))}, row: usercsv.Row{Line: i + 2}}
	}
	return out
}

// makeCrowd makes them all, and tells how long it took.
func makeCrowd(ctx context.Context, s *service, i importing, n int) (done summary, said string, took time.Duration, err error) {
	var out bytes.Buffer
	m := &Manager{Program: &cli.Program{Stderr: &out, Now: time.Now}}
	s.made = map[string]time.Time{}
	start := time.Now()
	err = m.makeAll(ctx, NewClient("http://localhost", "", s, func() {}), i, crowd(n), &done)
	return done, out.String(), time.Since(start), err
}

func TestInvitationsKeepTheirPace(t *testing.T) {
	for _, c := range []struct {
		pace   string
		people int
		least  time.Duration
		calls  int
	}{{"60/min", 5, 4 * time.Second, 5}, {"500/h", 3, 2 * 7200 * time.Millisecond, 3}, {"50/s", 100, 1500 * time.Millisecond, 4}, {"100000/s", 1000, 0, 40}} {
		synctest.Test(t, func(t *testing.T) {
			between, err := pace(c.pace)
			if err != nil {
				t.Fatal(err)
			}
			s := &service{}
			done, _, took, err := makeCrowd(t.Context(), s, importing{invite: true, between: between}, c.people)
			if err != nil || done.Made != c.people || done.Invited != c.people || s.calls != c.calls {
				t.Errorf("%s: got %+v in %d calls, %v", c.pace, done, s.calls, err)
			}
			if took < c.least || took > c.least+2*time.Second {
				t.Errorf("%s: %d people took %v, want %v", c.pace, c.people, took, c.least)
			}
		})
	}
}

func TestAPaceThatMakesNoSenseIsRefused(t *testing.T) {
	for _, said := range []string{"", "60", "0/s", "-1/s", "60/day", "1.5/s", "1000000/s", "60/min "} {
		if _, err := pace(said); err == nil {
			t.Errorf("%q is taken", said)
		}
	}
}

func TestACallIsMadeAgainWhileTheServiceIsBusyOrAway(t *testing.T) {
	busy := `{"title":"Too many requests","detail":"Too many requests"}`
	for name, c := range map[string]struct {
		trouble func(call int) *http.Response
		made    int // as far as the command knows
		waits   time.Duration
	}{
		"too many requests": {func(n int) *http.Response {
			if n == 1 {
				return response(429, busy, "Retry-After", "30")
			}
			return nil
		}, 5, 30 * time.Second},
		"the disk is full for a while": {func(n int) *http.Response {
			if n < 4 {
				return response(503, busy)
			}
			return nil
		}, 5, 7 * time.Second},
		"the answer is lost": {func(n int) *http.Response {
			if n == 1 {
				return &http.Response{}
			}
			return nil
		}, 0, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{trouble: c.trouble}
			done, _, took, err := makeCrowd(t.Context(), s, importing{}, 5)
			if err != nil || done.Made != c.made || done.Made+done.There != 5 || len(s.made) != 5 {
				t.Errorf("%s: got %+v and %d people, %v", name, done, len(s.made), err)
			}
			if took < c.waits || took > c.waits+time.Second {
				t.Errorf("%s: took %v, want %v", name, took, c.waits)
			}
		})
	}
}

func TestACallThatIsRefusedForGoodEndsTheImport(t *testing.T) {
	for name, trouble := range map[string]func(int) *http.Response{
		"forbidden":   func(int) *http.Response { return response(403, `{"title":"Not allowed","detail":"Not allowed"}`) },
		"always busy": func(int) *http.Response { return response(503, `{"title":"Busy","detail":"Busy"}`) },
		"not ours":    func(int) *http.Response { return response(200, `{"people":[]}`) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{trouble: trouble}
			done, _, _, err := makeCrowd(t.Context(), s, importing{}, 100)
			if err == nil || done.Made != 0 {
				t.Errorf("%s: got %+v, %v", name, done, err)
			}
			if most := 4 * mostTries; s.calls > most {
				t.Errorf("%s: got %d calls, want at most %d", name, s.calls, most)
			}
		})
	}
}

func TestAnImportThatIsInterruptedSaysSoAndCountsWhatWasUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 2505*time.Millisecond)
		defer stop()
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(2501*time.Millisecond, cancel)
		s := &service{}
		done, _, _, err := makeCrowd(ctx, s, importing{invite: true, between: 500 * time.Millisecond}, 100)
		if err == nil || !strings.Contains(err.Error(), "interrupted") || done.Made != 6 || len(s.made) != 6 {
			t.Errorf("got %+v with %d made, %v", done, len(s.made), err)
		}
	})
}

func TestProgressIsPlainLinesWhereNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, said, _, err := makeCrowd(t.Context(), &service{}, importing{}, 1000)
		if err != nil || strings.Count(said, "\n") != 10 || !strings.HasSuffix(said, "making: 1000 of 1000\n") || strings.Contains(said, "\r") {
			t.Errorf("got %q, %v", said, err)
		}
		if _, said, _, _ = makeCrowd(t.Context(), &service{}, importing{}, 10); said != "" {
			t.Errorf("got %q for ten people", said)
		}
	})
}
