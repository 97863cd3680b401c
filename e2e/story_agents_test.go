package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Two agents at one queue: each sees within seconds, without a key, what the other took, and "next" never gives both the same request.
func TestStory_TwoAgentsAtOneQueue(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	var agents []*agent
	for _, login := range []string{"assistance.claire@garage.example", "assistance.zoe@garage.example"} {
		m := h.Member(t, login)
		h.Run("user", "role", "add", m.Login, "HELP_DESK_ADMIN").OK(t)
		agents = append(agents, &agent{Person: h.Person(t, m.Login, m.Password, BrowserOptions{}), phone: m.Phone})
	}
	v := h.Visitor(t)
	for _, login := range []string{"perdu.un@garage.example", "perdu.deux@garage.example"} {
		h.Admin.Call("POST", "/users?activate=false", map[string]any{"profile": map[string]any{"login": login, "email": login, "firstName": "Paul", "lastName": "Petit"}}).Want(200)
		v.Post("/help/request", "email", login, "topic", "phone_lost", "message", "Mon téléphone est tombé dans la fosse.")
		h.Clock.Advance(time.Minute)
	}
	h.Clock.Advance(time.Hour)
	claire, zoe := agents[0], agents[1]
	for _, a := range agents {
		a.signIn(a.phone)
		a.Open("/console/requests")
		a.Wait("#queue tbody tr:nth-child(2)")
	}
	claire.goes("w")
	zoe.Wait("#queue td:nth-child(4) .tag:not(.warn)") // taken, without a key
	zoe.goes("w")
	if claire.Path() == zoe.Path() {
		t.Errorf("both agents got the request %s", zoe.Path())
	}

	zoe.Open(claire.Path())
	zoe.Wait(`.acts > :first-child [data-key="w"]`) // not the request of another agent
	zoe.goes("o")
	zoe.Open("/console/requests")

	// An answer to an older question arrives after the result of a search: the search stays.
	zoe.evaluate(`const real = window.fetch; let held = false;
		window.fetch = async (path, o) => {
			const answer = await real(path, o);
			if (!held && path === location.href) { held = true; document.body.dataset.held = "yes"; await new Promise((done) => { window.release = done; }); document.body.dataset.held = "no"; }
			return answer;
		}`)
	zoe.Wait(`body[data-held="yes"]`)
	zoe.Fill("#f-q", "H-0000")
	zoe.Wait("#queue p.panel")
	zoe.evaluate("window.release()")
	zoe.Wait(`body[data-held="no"]`)
	shown := run(zoe.Browser, chromedp.Evaluate[bool](`new Promise((done) => setTimeout(() => done(document.querySelector("#queue tbody") === null), 500))`, chromedp.EvalAwaitPromise))
	if !shown {
		t.Error("an older answer replaced the result of the search")
	}
}
