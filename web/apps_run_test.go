package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/storetest"
)

func TestLogoutWorker_DeliversAndStops(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	_, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- provider.Run(ctx) }()
	b.goes("/logged-out", "/logout")
	for wait := time.Now(); len(at.got()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(wait) > 20*time.Second {
			t.Fatal("no notification within twenty seconds")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSweeps_KeepsWhatIsValid(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	b.get(a.begin("x"))
	p.browser(t).get(a.begin("y"))
	sweep := func() {
		t.Helper()
		if err := storetest.Sweep(t.Context(), p.Store, provider.Sweeps()...); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if !a.alive(tok.AccessToken) {
		t.Error("a good token was swept")
	}
	p.Clock.Advance(31 * 24 * time.Hour)
	sweep()
	for _, prefix := range []string{"authrequest/", "code/", "grant/", "access/", "refresh/", "usercode/"} {
		if n := p.count(prefix); n != 0 {
			t.Errorf("%s: %d records are left a month later", prefix, n)
		}
	}
	asks := p.app(t, provider, func(r *client.Registration) { r.Name, r.Consent = "Stock", nil })
	_, _, again := signedIn(p, "paul@garage.example")
	_, rest, _ := strings.Cut(again.get(asks.begin("z")).body, `name="request" value="`)
	request, _, _ := strings.Cut(rest, `"`)
	again.post("/oauth2/v1/consent", "request", request, "decision", "yes")
	sweep()
	if p.count("consent/") != 1 {
		t.Fatal("a consent was not stored, or was swept")
	}
	if err := provider.Clients.Delete(t.Context(), by, asks.ID); err != nil {
		t.Fatal(err)
	}
	sweep()
	if p.count("consent/") != 0 {
		t.Error("the consent to an application that is gone is left")
	}
	if p.count("client/") != 1 || p.count("signkey/") == 0 {
		t.Error("clients or keys were swept")
	}
}

// count is how many records there are below a prefix.
func (p *place) count(prefix string) int {
	p.T.Helper()
	n := 0
	err := p.Store.View(p.T.Context(), func(s store.Snapshot) error {
		n = 0
		return s.Scan(prefix, "", 0, func(string, []byte) error { n++; return nil })
	})
	if err != nil {
		p.T.Fatal(err)
	}
	return n
}
