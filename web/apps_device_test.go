package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/internal/notice"
	"barillet/oidc"
	"barillet/oidc/client"
)

// device begins the grant of a device.
func (a *app) device() (device, user string) {
	a.place.T.Helper()
	status, _, got := a.post(oidc.PathDevice, url.Values{"client_id": {string(a.ID)}, "scope": {"openid profile offline_access"}}, nil)
	if status != http.StatusOK || got["verification_uri"] != a.place.url+"/device" {
		a.place.T.Fatalf("got %d %v", status, got)
	}
	return got["device_code"].(string), got["user_code"].(string)
}

func (a *app) poll(device string) map[string]any {
	a.place.T.Helper()
	_, _, got := a.post(oidc.PathToken, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device},
		"client_id": {string(a.ID)}}, nil)
	return got
}

func TestDeviceFlow_NeedsUserCodeAndStepUp(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects = "Écran d’atelier", "none", nil
		r.Grants = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}
	})
	without := p.app(t, provider, nil)
	if status, _, got := without.post(oidc.PathDevice, url.Values{"scope": {"openid"}}, nil); status != http.StatusBadRequest || got["error"] != "unauthorized_client" {
		t.Errorf("a client without the grant: got %d %v", status, got)
	}
	u, phone, b := signedIn(p, "lea@garage.example")
	p.EmptyOutbox()
	device, code := tv.device()
	if got := tv.poll(device); got["error"] != "authorization_pending" {
		t.Errorf("the first poll: got %v", got)
	}
	if got := tv.poll(device); got["error"] != "slow_down" {
		t.Errorf("a poll at once: got %v", got)
	}
	if res := b.post("/device", "code", "AAAA-AAAA"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: got %d", res.StatusCode)
	}
	res := b.post("/device", "code", "\u200b"+strings.ToLower(strings.ReplaceAll(code, "-", "\u00a0")))
	if !strings.HasPrefix(res.next(), "/device/confirm?request=") {
		t.Fatalf("got %d to %q", res.StatusCode, res.next())
	}
	to, _ := url.Parse(res.next())
	request := to.Query().Get("request")
	b.goes("/account/prove?next="+url.QueryEscape(res.next()), "/device/confirm", "request", request, "decision", "yes")
	proof := b.get(res.next())
	if !strings.HasPrefix(proof.next(), "/account/prove?next=") {
		t.Fatalf("without a proof for this act: got %d to %q", proof.StatusCode, proof.next())
	}
	b.goes(res.next(), "/account/prove", "code", string(phone.Next()), "next", res.next())
	asks := b.shows(res.next())
	if !strings.Contains(asks.body, "Did you start this yourself?") || !strings.Contains(asks.body, "Écran d’atelier") {
		t.Error("the page does not ask who started it")
	}
	if !strings.Contains(asks.body, "your name and user name") || !strings.Contains(asks.body, "while you are away") || strings.Contains(asks.body, "which garages") {
		t.Error("the page does not say what the application would know")
	}
	b.goes("/device/done?yes=1", "/device/confirm", "request", request, "decision", "yes")
	b.shows("/device/done?yes=1")
	if m := mailed[notice.DeviceSignedIn](t, p, "lea@garage.example"); m.App != "Écran d’atelier" {
		t.Errorf("the email names %q", m.App)
	}
	p.Clock.Advance(time.Minute)
	got := tv.poll(device)
	access, _ := got["access_token"].(string)
	if access == "" || got["refresh_token"] == nil || got["id_token"] == nil || !tv.alive(access) {
		t.Fatalf("got %v, want tokens", got)
	}
	if again := tv.poll(device); again["error"] != "invalid_grant" {
		t.Errorf("a device code used twice: got %v", again)
	}
	p.reset(u.ID)
	if tv.alive(access) {
		t.Error("a reset leaves the device signed in")
	}
}

func TestDeviceFlow_IsRefusedOrExpires(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects = "Screen", "none", nil
		r.Grants = []string{"urn:ietf:params:oauth:grant-type:device_code"}
	})
	_, _, b := signedIn(p, "lea@garage.example")
	_, _, paul := signedIn(p, "paul@garage.example")
	device, code := tv.device()
	to, _ := url.Parse(b.post("/device", "code", code).next())
	request := to.Query().Get("request")
	paul.goes("/device?again=user_code", "/device/confirm", "request", request, "decision", "no") // another user typed it
	b.goes("/device/done", "/device/confirm", "request", request, "decision", "no")
	if got := tv.poll(device); got["error"] != "access_denied" {
		t.Errorf("after a no: got %v", got)
	}
	device, code = tv.device()
	p.Clock.Advance(10 * time.Minute)
	if got := tv.poll(device); got["error"] != "expired_token" {
		t.Errorf("ten minutes later: got %v", got)
	}
	if res := b.post("/device", "code", code); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("its code: got %d", res.StatusCode)
	}
	for range 9 {
		b.post("/device", "code", "BBBB-BBBB")
	}
	if res := b.post("/device", "code", "BBBB-BBBB"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh wrong code in an hour: got %d", res.StatusCode)
	}
	if res := p.browser(t).get("/device"); !strings.HasPrefix(res.next(), "/login?next=") {
		t.Errorf("without a session: got %d to %q", res.StatusCode, res.next())
	}
}
