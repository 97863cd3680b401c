package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// slowNetwork holds the requests of a browser to one address until the test lets them go.
type slowNetwork struct {
	*Person
	held chan fetch.RequestID
}

// slow makes the network slow for an address, which may contain "*".
func (p *Person) slow(address string) *slowNetwork {
	p.tb.Helper()
	s := &slowNetwork{p, make(chan fetch.RequestID, 16)}
	if err := chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			s.held <- e.RequestID
		}
	}); err != nil {
		p.tb.Fatal(err)
	}
	call(p.Browser, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: p.Base + address}}})
	return s
}

// await waits until a request is under way, and returns it.
func (s *slowNetwork) await() fetch.RequestID {
	s.tb.Helper()
	select {
	case id := <-s.held:
		return id
	case <-time.After(patience):
		s.tb.Fatal("the page sends nothing")
		return ""
	}
}

// stop stops the request under way, as Esc and the button of the browser do.
func (s *slowNetwork) stop() {
	s.tb.Helper()
	s.await()
	call(s.Browser, page.StopLoading, cdp.Empty{})
}

// goesOn lets the request under way go, and all later ones, and waits for the page that follows.
func (s *slowNetwork) goesOn() {
	s.tb.Helper()
	id := s.await()
	s.leave(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		if _, err := cdp.Call(ctx, t, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id}); err != nil {
			return chromedp.Void{}, err
		}
		_, err := cdp.Call(ctx, t, fetch.Disable, cdp.Empty{})
		return chromedp.Void{}, err
	})
}

// taps clicks a number of times in a row.
func (s *slowNetwork) taps(selector string, times int) {
	s.tb.Helper()
	s.evaluate(fmt.Sprintf("for (let i = 0; i < %d; i++) document.querySelector(%s).click()", times, quoted(selector)))
}

func TestForm_WorksAgainAfterAStoppedPost(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open("/login")
	p.Fill("#f-identifier", p.Login)
	p.Fill("#f-password", p.Password)
	slow := p.slow("/login")
	for range 2 {
		slow.taps(mainButton, 2)
		slow.stop()
		if len(slow.held) > 0 {
			t.Error("a double tap sends the form twice")
		}
	}
	slow.taps(mainButton, 1)
	slow.goesOn()
	p.at("/login/factor")

	slow = p.slow("/login/factor")
	code := m.Phone.Next()
	p.Fill("#f-code", code) // the sixth digit sends the form
	slow.stop()
	p.Fill("#f-code", code)
	slow.stop()
	slow.taps(mainButton, 1)
	slow.goesOn()
	p.home()
}

func TestKeyButton_WorksAgainAfterAStoppedLoad(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	key := p.Plug()
	defer key.Unplug()
	p.signIn(m.Phone)
	p.addKey(m.Phone, "Trousseau")
	p.signOut()
	p.give()
	p.at("/login/factor")
	if p.Count(`[data-key="get"]`) == 0 {
		p.Submit(`a[href^="/login/factor?method=key"]`)
	}
	slow := p.slow("/account")
	p.Click(`[data-key="get"]`)
	slow.stop()
	slow.taps(`[data-key="get"]`, 1)
	slow.goesOn()
	p.home()
}
