package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/store"
)

// full is a store whose disk is full after a number of Updates.
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

// fill limits the store to this number of Updates.
func (d *apiEnv) fill(updates int64) *full {
	f := &full{Store: d.Store}
	f.left.Store(updates)
	d.Accounts.Store = f
	return f
}

func TestFaults_FullDiskReturnsRetryAfter(t *testing.T) {
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

// A counted wrong password takes no key: a repeat is checked again.
func TestIdempotency_WrongPasswordTakesNoKey(t *testing.T) {
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
