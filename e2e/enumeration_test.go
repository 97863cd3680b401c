package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The attempts of each kind that promise A12 requires, spread over so many users that no limit applies.
const (
	triesEach   = 4
	knownPeople = 75
)

// stranger returns an unknown login with the length of a known one.
func stranger(n int) string { return fmt.Sprintf("inconnuxxx%03d@garage.example", n) }

// crowd creates the known users.
func crowd(t *testing.T) *Env {
	t.Helper()
	h := Open(t, EnvOptions{Config: signing})
	for n := range knownPeople {
		h.Member(t, person(n))
	}
	return h
}

// asked is one question with its answer.
type asked struct {
	name  string
	took  time.Duration
	sheet Sheet
}

// interleaved asks about known and unknown logins in random order, each question from
// its own network and an unknown browser.
func (h *Env) interleaved(t *testing.T, ask func(v *Visitor, name string) Sheet) (known, unknown []asked) {
	t.Helper()
	type question struct {
		name  string
		known bool
	}
	var questions []question
	for n := range knownPeople * triesEach {
		// Strangers share counters by chance: with two tries each, no two of them together reach a wait.
		questions = append(questions, question{person(n % knownPeople), true}, question{stranger(n % (2 * knownPeople)), false})
	}
	rand.Shuffle(len(questions), func(i, j int) { questions[i], questions[j] = questions[j], questions[i] })
	for n, q := range questions {
		if n%100 == 99 {
			h.Clock.Advance(2 * time.Minute) // the limit of all clients together, promise S8
		}
		v := h.from(t, n)
		v.Get("/healthz") // the connection stands
		start := time.Now()
		sheet := ask(v, q.name)
		a := asked{q.name, time.Since(start), sheet}
		if q.known {
			known = append(known, a)
		} else {
			unknown = append(unknown, a)
		}
	}
	return known, unknown
}

var (
	referenceShape = regexp.MustCompile(`H(-[0-9A-Z]{4}){3}`)
	varying        = map[string]bool{"Date": true, "X-Request-Id": true}
)

// bytes is an answer without what is each answer's own: the name asked for, the reference, date and request id.
func (a asked) bytes() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d %s\n", a.sheet.Status, a.sheet.Path)
	header := a.sheet.Header.Clone()
	for name := range varying {
		header.Del(name)
	}
	_ = header.Write(&out)
	out.WriteString(a.sheet.Body)
	return referenceShape.ReplaceAllString(strings.ReplaceAll(out.String(), a.name, "NAME"), "REFERENCE")
}

// same fails the test unless all answers are the same, byte by byte.
func same(t *testing.T, what string, known, unknown []asked) {
	t.Helper()
	want := known[0].bytes()
	for _, a := range append(known[1:], unknown...) {
		if got := a.bytes(); got != want {
			t.Fatalf("%s: the answer for %s differs:\n%s\n\nfrom that for %s:\n%s", what, a.name, got, known[0].name, want)
		}
	}
}

func times(all []asked) []time.Duration {
	var out []time.Duration
	for _, a := range all {
		out = append(out, a.took)
	}
	return out
}

func TestEnumeration_SameAnswerAndTimeForUnknownLogins(t *testing.T) {
	h := crowd(t)
	vpn := h.signer(t)
	for _, door := range []struct {
		name string
		ask  func(v *Visitor, name string) Sheet
	}{
		{"sign-in", func(v *Visitor, name string) Sheet {
			return v.Post("/login", "identifier", name, "password", "pas le bon mot de passe")
		}},
		{"forgotten password", func(v *Visitor, name string) Sheet { return v.Post("/forgot", "identifier", name) }},
		{"help request", func(v *Visitor, name string) Sheet {
			return v.Post("/help/request", "email", name, "topic", "phone_lost", "message", "Mon téléphone est cassé.")
		}},
		{"reset link", func(v *Visitor, name string) Sheet {
			return v.Post("/ticket/"+strings.Repeat("A", 43), "identifier", name, "password", "pas le bon mot de passe")
		}},
		{"sign-in by a program", func(v *Visitor, name string) Sheet { return v.tells(vpn, name, "pas le bon mot de passe") }},
	} {
		t.Run(door.name, func(t *testing.T) {
			if door.name == "reset link" || door.name == "sign-in by a program" {
				h.Clock.Advance(25 * time.Hour) // the wrong passwords of the previous endpoint expire
			}
			known, unknown := h.interleaved(t, door.ask)
			same(t, door.name, known, unknown)
			alike(t, door.name, times(known), times(unknown))
		})
	}
}

// A wait does not reveal which logins exist: unknown logins wait too.
func TestEnumeration_SameWaitForUnknownLogins(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, person(0))
	answers := map[string][]Sheet{}
	for n := range 8 {
		for i, name := range []string{m.Login, stranger(0), "TECHNICIEN000@Garage.Example ", "\x00", "technic\u0131en000@garage.example"} {
			v := h.from(t, n*10+i)
			answers[name] = append(answers[name], v.Post("/login", "identifier", name, "password", "pas le bon mot de passe"))
		}
	}
	for name, sheets := range answers {
		if strings.EqualFold(strings.TrimSpace(name), m.Login) {
			continue // both spellings are one person, who waits sooner
		}
		for n, sheet := range sheets {
			if got, want := sheet.Status, answers[stranger(0)][n].Status; got != want {
				t.Errorf("try %d as %q: got status %d, want %d as for a stranger", n+1, name, got, want)
			}
		}
	}
	if got := answers[stranger(0)][7].Status; got != http.StatusTooManyRequests {
		t.Errorf("got status %d for the eighth try as a stranger, want 429", got)
	}
	both := 0
	for _, name := range []string{m.Login, "TECHNICIEN000@Garage.Example "} {
		for _, sheet := range answers[name] {
			if sheet.Status != http.StatusTooManyRequests {
				both++
			}
		}
	}
	if both != 5 {
		t.Errorf("got %d wrong passwords judged for two spellings of one name, want 5 in all", both)
	}
}
