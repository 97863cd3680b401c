package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// popup clicks on what opens a window, and returns the browser in that window.
func (b *Browser) popup(selector string) *Browser {
	b.tb.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(*target.Info) bool { return true })
	b.Click(selector)
	limit, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	select {
	case id := <-opened:
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		b.tb.Cleanup(cancel)
		if err := chromedp.Do(ctx); err != nil { // its context ends the listening: it must have no time limit
			b.tb.Fatalf("attaching to the window: %v", err)
		}
		return &Browser{Base: b.Base, tb: b.tb, ctx: ctx, say: b.say}
	case <-limit.Done():
		b.tb.Fatal("no window opens")
		return nil
	}
}

// An application opens its sign-in in a popup, as libraries for pages do. The popup can still talk to the page that
// opened it, which sees it open until the answer comes.
func TestApplication_SignsInByPopup(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	var app *httptest.Server
	var client registered
	app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/cb" {
			h.Secret("authorization code", r.URL.Query().Get("code"))
			fmt.Fprint(w, "<!doctype html><title>Back</title><link rel=icon href='data:,'><script>opener.postMessage(location.search, origin)</script>")
			return
		}
		to := h.URL + "/oauth2/v1/authorize?" + url.Values{"client_id": {client.ID}, "redirect_uri": {app.URL + "/cb"}, "response_type": {"code"}, "scope": {"openid"},
			"state": {"of-popup"}, "code_challenge_method": {"S256"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}}.Encode()
		fmt.Fprintf(w, `<!doctype html><title>App</title><link rel=icon href="data:,"><button id="in">Sign in</button><script>
let w, early = false;
document.getElementById("in").onclick = () => { w = open(%q, "_blank", "popup") };
const say = (id, text) => document.body.insertAdjacentHTML("beforeend", "<p id=" + id + "></p>") || (document.getElementById(id).textContent = text);
addEventListener("message", e => say("answer", new URLSearchParams(e.data).get("state") + (early ? " closed early" : "")) || w.close());
setInterval(() => early ||= !!w && w.closed, 50);
</script>`, to)
	}))
	t.Cleanup(app.Close)
	client = h.application(t, app.URL, nil)
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(app.URL + "/")
	popup := &Person{Browser: p.popup("#in"), env: h, Login: p.Login, Password: p.Password, script: true}
	popup.Wait("main form")
	popup.follow(m.Phone)
	popup.at("/oauth2/v1/continue")
	popup.Click(`button[name="decision"][value="yes"]`)
	p.Wait("#answer")
	if got := p.Text("#answer"); got != "of-popup" {
		t.Errorf("got %q, want the state of the request, and the popup open until then", got)
	}
}
