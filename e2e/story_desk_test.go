package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// agent works off help requests by keyboard alone, and counts the keys and the pages.
type agent struct {
	*Person
	phone       *Phone
	keys, pages int
}

// presses presses keys where the focus is.
func (a *agent) presses(keys string) {
	a.tb.Helper()
	a.Wait("main form :focus")
	a.Press(keys)
	a.keys += len([]rune(keys))
}

// goes presses a key that leads to another page.
func (a *agent) goes(key string, options ...chromedp.KeyOption) {
	a.tb.Helper()
	a.leave(chromedp.KeyEvent(key, options...))
	a.keys++
	a.pages++
}

// sendsForm sends the form of the field with the focus.
func (a *agent) sendsForm() {
	a.tb.Helper()
	a.keys++ // Control
	a.goes("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl))
}

// proves types the code of the phone if the operation asks for it. The last digit sends the form.
func (a *agent) proves() {
	a.tb.Helper()
	if strings.HasPrefix(a.Path(), "/account/prove") {
		code := a.phone.Next()
		a.presses(code[:5])
		a.goes(code[5:])
	}
}

// deskKind is a kind of requests, and how the agent works one off.
type deskKind struct {
	name, topic string
	device      bool // the user has a device
	number      string
	proven      bool // the request is sent with the password proven
	unknown     bool
	work        func(a *agent)
	keys        int // at most for one request, without a code
}

func (a *agent) answers() {
	a.goes("a")
	a.presses("Bonjour, essayez le code qui suit. S’il est refusé, appelez-nous.")
	a.sendsForm()
}

var deskKinds = []deskKind{
	{name: "unknown address", topic: "phone_lost", unknown: true, keys: 40, work: func(a *agent) {
		a.goes("x")
		a.presses("adresse inconnue, rien à faire")
		a.sendsForm()
	}},
	{name: "lost phone, password proven, called back", topic: "phone_lost", device: true, number: "+33612345678", proven: true, keys: 30, work: func(a *agent) {
		a.goes("r")
		a.proves()
		a.presses(" \t \t\t\tperdu, rappelé")
		a.sendsForm()
	}},
	{name: "lost phone, document seen", topic: "phone_lost", device: true, keys: 30, work: func(a *agent) {
		a.goes("r")
		a.proves()
		a.presses(kb.ArrowUp + "\t\t\tperdu, carte vue")
		a.sendsForm()
	}},
	{name: "code refused", topic: "code_refused", keys: 80, work: (*agent).answers},
	{name: "other", topic: "other", keys: 80, work: (*agent).answers},
}

// ofEach is how many requests of each kind there are.
const ofEach = 8

// prepare makes the n-th user of a kind, and the function that sends the request.
func (k *deskKind) prepare(t *testing.T, h *Env, n int) (login string, send func()) {
	login = fmt.Sprintf("%s%d@garage.example", strings.ReplaceAll(strings.Fields(k.name)[0], ",", ""), n) // distinct by number
	v := h.Visitor(t)
	v.Address = fmt.Sprintf("203.0.113.%d", n+1)
	var m *Member
	switch {
	case k.unknown:
	case k.device:
		m = &Member{Visitor: h.Visitor(t), Login: login, Password: h.Secret("password of "+login, "sept marteaux et une enclume")}
		m.Address = v.Address
		args := []string{"user", "add", login, "--invite", "--no-mail"}
		if k.number != "" {
			args = append(args, "--mobile-phone", k.number)
		}
		link := h.Run(args...).OK(t)
		h.Secret("invitation of "+login, token(link))
		m.join(h, link)
	default:
		h.Admin.Call("POST", "/users?activate=false", map[string]any{"profile": map[string]any{"login": login, "email": login, "firstName": "Paul", "lastName": "Petit"}}).Want(200)
	}
	return login, func() {
		if k.proven {
			m.give(v).want(t, "/login/factor")
		}
		if got := v.Post("/help/request", "email", login, "topic", k.topic, "message", "Mon téléphone est tombé dans la fosse."); !strings.Contains(got.Body, `class="reference`) {
			t.Fatalf("%s: got no reference, but status %d: %s", login, got.Status, got.words())
		}
	}
}

// A day of the help desk: 40 requests of five kinds, by keyboard alone.
func TestStory_HelpDeskDay(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Config: proxied})
	desk := h.Member(t, "assistance.claire@garage.example")
	h.Run("user", "role", "add", desk.Login, "HELP_DESK_ADMIN").OK(t)
	kinds := map[string]*deskKind{} // by login
	var sends []func()
	for n := range ofEach * len(deskKinds) {
		k := &deskKinds[n%len(deskKinds)]
		login, send := k.prepare(t, h, n)
		kinds[login], sends = k, append(sends, send)
	}
	h.Clock.Advance(80 * time.Hour)
	a := &agent{Person: h.Person(t, desk.Login, desk.Password, BrowserOptions{}), phone: desk.Phone}
	for _, send := range sends {
		send()
		h.Clock.Advance(10 * time.Minute) // within the budget of unknown browsers
	}
	a.signIn(a.phone)
	a.Open("/console/requests")
	type sum struct {
		n, keys, pages int
		took           time.Duration
	}
	sums, all := map[string]*sum{}, &sum{}
	for range sends {
		began, keys, pages := time.Now(), a.keys, a.pages
		a.goes("w")
		a.at("/console/requests")
		login := run(a.Browser, chromedp.Evaluate[string](`document.querySelector("#who").parentElement.innerText.match(/[^\s]+@garage\.example/)[0]`))
		k := kinds[login]
		if k == nil {
			t.Fatalf("got the request of %q, which nobody sent", login)
		}
		delete(kinds, login)
		k.work(a)
		a.at("/console/requests")
		if sums[k.name] == nil {
			sums[k.name] = &sum{}
		}
		for _, s := range []*sum{sums[k.name], all} {
			s.n, s.keys, s.pages, s.took = s.n+1, s.keys+a.keys-keys, s.pages+a.pages-pages, s.took+time.Since(began)
		}
	}
	for name, s := range sums {
		t.Logf("%-45s %d requests, each: %.1f keys, %.1f pages, %.1f s", name, s.n, float64(s.keys)/float64(s.n), float64(s.pages)/float64(s.n), s.took.Seconds()/float64(s.n))
	}
	t.Logf("all %d requests: %d keys, %d pages, %.0f s; each %.1f keys, %.1f pages", all.n, all.keys, all.pages, all.took.Seconds(), float64(all.keys)/float64(all.n), float64(all.pages)/float64(all.n))
	for _, k := range deskKinds {
		if s := sums[k.name]; s == nil || s.n != ofEach {
			t.Errorf("%s: not all %d were worked off", k.name, ofEach)
		} else if s.keys > k.keys*s.n {
			t.Errorf("%s: got %d keys for %d requests, want at most %d each", k.name, s.keys, s.n, k.keys)
		}
	}
	states := map[string]int{}
	for status := range strings.FieldsSeq("open in_progress resolved rejected") {
		var list []struct{ ID string }
		h.Admin.Call("GET", "/help-requests?limit=100&status="+url.QueryEscape(status), nil).Want(200).Into(&list)
		states[status] = len(list)
	}
	if states["open"]+states["in_progress"] > 0 || states["rejected"] != ofEach || states["resolved"] != 4*ofEach {
		t.Errorf("got the states %v, want %d rejected and %d resolved", states, ofEach, 4*ofEach)
	}
}
