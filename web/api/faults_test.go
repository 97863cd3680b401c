package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/store"
	"barillet/web/api"
)

// full is a store whose disk is full once it has written so many more Updates.
type full struct {
	store.Store
	left atomic.Int64
}

func (f *full) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.left.Add(-1) < 0 {
		return fmt.Errorf("writing: %w", store.ErrUnavailable)
	}
	return f.Store.Update(ctx, fn)
}

// fill lets so many more Updates through.
func (d *door) fill(updates int64) *full {
	f := &full{Store: d.Store}
	f.left.Store(updates)
	d.Service.Store = f
	return f
}

func TestAFullDiskStopsWritesAndSaysWhenToComeBack(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	admin := d.admin()
	disk := d.fill(0)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/users", `{"profile":{"login":"new@garage.example"}}`},
		{"POST", "/api/v1/users/" + string(u.ID) + "/lifecycle/reset_factors", ``},
		{"POST", "/api/v1/groups", `{"profile":{"name":"G"}}`},
		{"POST", "/api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`},
		{"DELETE", "/api/v1/users/" + string(u.ID) + "/factors/" + string(u.Devices[0].ID), ``},
	} {
		w := d.call(c.method, c.path, admin, c.body, "Idempotency-Key", "k")
		if doc := problem(t, w, 503); doc.ErrorCode != "E0000010" || w.Header().Get("Retry-After") != "5" {
			t.Errorf("%s %s: got %s %v", c.method, c.path, w.Body, w.Header())
		}
	}
	for _, path := range []string{"/api/v1/users", "/api/v1/users/" + string(u.ID), "/api/v1/logs"} {
		if w := d.call("GET", path, admin, ""); w.Code != 200 {
			t.Errorf("reading %s: got %d", path, w.Code)
		}
	}
	if len(d.User(string(u.ID)).Devices) == 0 {
		t.Error("half a reset happened")
	}
	disk.left.Store(100)
	if w := d.call("POST", "/api/v1/groups", admin, `{"profile":{"name":"G"}}`, "Idempotency-Key", "k"); w.Code != 200 {
		t.Errorf("with room again: got %d %s", w.Code, w.Body)
	}
}

// The answer is kept in the very Update of the act (PROTOCOL 26): a crash behind it loses nothing but the secrets.
func TestARepeatAfterACrashGetsTheFirstAnswer(t *testing.T) {
	d := open(t)
	secrets := d.token(authn.RoleSuperAdmin, func(n *helpdesk.NewToken) { n.Secrets = true })
	u, _, _ := d.Member("zoe@garage.example", nil)
	invited := d.Person("nadia@garage.example", nil)
	zoe, nadia := "/api/v1/users/"+string(u.ID), "/api/v1/users/"+string(invited.ID)
	reset := zoe + "/lifecycle/reset_factors"
	for i, c := range []struct{ path, body, secret string }{
		{"/api/v1/users?sendEmail=false", `{"profile":{"login":"new@garage.example"}}`, "activationUrl"},
		{zoe, `{"profile":{"firstName":"Zoë"},"credentials":{"password":{"value":"dix clefs et un tournevis"}}}`, ""},
		{nadia + "/lifecycle/activate?sendEmail=false", ``, "activationUrl"},
		{nadia + "/lifecycle/reactivate", ``, ""},
		{zoe + "/lifecycle/unlock", ``, ""},
		{zoe + "/lifecycle/suspend", ``, ""},
		{zoe + "/lifecycle/unsuspend", ``, ""},
		{zoe + "/lifecycle/reset_password?sendEmail=false", ``, "resetPasswordUrl"},
		{zoe + "/lifecycle/expire_password", ``, ""},
		{zoe + "/credentials/change_password", `{"oldPassword":{"value":"dix clefs et un tournevis"},"newPassword":{"value":"onze clefs et un marteau"}}`, ""},
		{zoe + "/lifecycle/expire_password_with_temp_password", ``, "tempPassword"},
		{reset, `{"sendEmail":false,"reason":"lost"}`, `"url"`},
		{reset, `{}`, ""}, // which is repeated
		{reset, `{"sendEmail":true}`, ""},
		{zoe + "/lifecycle/deactivate", ``, ""},
		{"/api/v1/groups", `{"profile":{"name":"Garage"}}`, ""},
		{"/api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`, `"token"`},
	} {
		key := fmt.Sprint("k", i)
		d.fill(1) // the process ends as soon as the act is on disk
		first := d.keyed(c.path, secrets, c.body, key)
		if first.Code >= 300 || c.secret != "" && !strings.Contains(first.Body.String(), c.secret) {
			t.Fatalf("%s: got %d %s", c.path, first.Code, first.Body)
		}
		d.fill(0) // whatever the repeat would do is seen
		d.API = api.New(api.Config{Desk: d.Desk, Ring: d.Ring, PublicURL: "https://login.example/"})
		repeat := d.keyed(c.path, secrets, c.body, key)
		if repeat.Code != first.Code || repeat.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: got %d %s, want the first answer", c.path, repeat.Code, repeat.Body)
		}
		switch {
		case c.secret == "" && repeat.Body.String() != first.Body.String():
			t.Errorf("%s: got %s, want %s", c.path, repeat.Body, first.Body)
		case c.secret != "" && strings.Contains(repeat.Body.String(), c.secret):
			t.Errorf("%s: got %s, want no secret", c.path, repeat.Body)
		}
		d.Clock.Advance(time.Second)
	}
}

// A wrong password that was counted is no act: it takes no key, and to try again is to be judged again.
func TestAGuessWithAKeyIsCountedEachTime(t *testing.T) {
	d := open(t)
	admin := d.admin()
	u, _, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/credentials/change_password"
	body := `{"oldPassword":{"value":"pas le bon du tout"},"newPassword":{"value":"dix clefs et un tournevis"}}`
	for range 5 {
		if w := d.keyed(path, admin, body, "k"); w.Code != 400 || w.Header().Get("Idempotency-Replayed") != "" {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	problem(t, d.keyed(path, admin, body, "k"), 429)
	d.Clock.Advance(time.Minute)
	right := strings.Replace(body, "pas le bon du tout", authntest.Password, 1)
	if w := d.keyed(path, admin, right, "k"); w.Code != 200 {
		t.Errorf("the key of a refused request: got %d %s, want it free", w.Code, w.Body)
	}
	problem(t, d.keyed(path, admin, body, "k"), 422)
}
