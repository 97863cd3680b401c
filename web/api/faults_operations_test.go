package api_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/store"
)

// unsynced is a store whose Updates fail to become durable while ill is set.
type unsynced struct {
	store.Store
	ill bool
}

func (u *unsynced) Update(ctx context.Context, fn func(store.Tx) error) error {
	return u.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil || !u.ill {
			return err
		}
		return fmt.Errorf("syncing: %w", store.ErrUnavailable)
	})
}

// sum is over every key and value there is.
func (d *apiEnv) sum() string {
	d.T.Helper()
	h := sha256.New()
	if err := d.Store.View(d.T.Context(), func(s store.Snapshot) error {
		h.Reset()
		return s.Scan("", "", 0, func(key string, value []byte) error {
			fmt.Fprintf(h, "%d:%s%d:%s", len(key), key, len(value), value)
			return nil
		})
	}); err != nil {
		d.T.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// If the disk is full, or the sync fails, every operation returns 503 with Retry-After, changes nothing, and succeeds
// later with the same key.
func TestFaults_FailedWriteChangesNothing(t *testing.T) {
	for _, fault := range []string{"a full disk", "a failed sync"} {
		t.Run(fault, func(t *testing.T) {
			d := open(t)
			secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
			hook, _ := d.webhook(d.admin()) // so that acts queue calls as well
			garage := d.CreateGroup("Garage")
			u, _, _ := d.Member("zoe@garage.example", nil)
			v, _, _ := d.Member("ines@garage.example", nil)
			boss, _ := d.boss("boss@garage.example", account.RoleUserAdmin, 0)
			_, first := d.boss("one@garage.example", account.RoleUserAdmin, 1)
			_, second := d.boss("two@garage.example", account.RoleUserAdmin, 1)
			waits := read[tree](t, d.call("POST", "/api/v1/users/"+string(boss.ID)+"/lifecycle/reset_factors", first[0], `{"reason":"lost"}`), 202)
			zoe, ines := "/api/v1/users/"+string(u.ID), "/api/v1/users/"+string(v.ID)

			whole := d.Store
			for i, c := range []struct{ token, method, path, body string }{
				{secrets, "POST", "/api/v1/imports?activate=true", `{"users":[{"profile":{"login":"a@garage.example"}},{"profile":{"login":"b@garage.example"}}]}`},
				{secrets, "POST", "/api/v1/users?sendEmail=false", `{"profile":{"login":"new@garage.example"},"groupIds":["` + string(garage) + `"]}`},
				{secrets, "POST", zoe + "/factors", totpBody},
				{secrets, "POST", zoe + "/lifecycle/reset_factors", `{"reason":"lost"}`},
				{second[0], "POST", "/api/v1/approvals/" + waits.get("id").(string), ``},
				{secrets, "POST", ines + "/lifecycle/expire_password_with_temp_password", ``},
				{secrets, "POST", ines + "/roles", `{"type":"HELP_DESK_ADMIN","targets":["` + string(garage) + `"]}`},
				{secrets, "POST", ines + "/lifecycle/suspend", ``},
				{secrets, "PUT", "/api/v1/groups/" + string(garage) + "/users/" + string(v.ID), ``},
				{secrets, "POST", "/api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`},
				{secrets, "POST", "/api/v1/webhooks", strings.Replace(receiver, "Atelier", "Second", 1)},
				{secrets, "POST", "/api/v1/webhooks/" + hook + "/test", ``},
				{secrets, "POST", "/api/v1/webhooks/" + hook + "/rotate", ``},
				{secrets, "DELETE", ines + "/sessions", ``},
				{secrets, "DELETE", "/api/v1/users/" + string(v.ID), ``},
			} {
				header := []string{"Idempotency-Key", fmt.Sprint("k", i)}
				if strings.Contains(c.path, "/imports") { // a repeat finds who is there: it takes no key
					header = nil
				}
				d.Clock.Advance(time.Second)
				d.call("GET", "/api/v1/users?limit=1", c.token, "") // the minute of its last use is written
				before, mails := d.sum(), len(d.Mails())
				ill := &unsynced{whole, true}
				if d.Accounts.Store = ill; fault == "a full disk" {
					d.fill(0)
				}
				for range 2 {
					doc := problem(t, d.call(c.method, c.path, c.token, c.body, header...), 503)
					if doc.ErrorCode != "E0000010" {
						t.Errorf("%s: got %+v", c.path, doc)
					}
				}
				if w := d.call(c.method, c.path, c.token, c.body, header...); w.Header().Get("Retry-After") != "5" {
					t.Errorf("%s: got %v, want to be told when to come back", c.path, w.Header())
				}
				if w := d.call("GET", zoe, c.token, ""); w.Code != 200 {
					t.Errorf("reading meanwhile: got %d", w.Code)
				}
				if d.sum() != before || len(d.Mails()) != mails {
					t.Errorf("%s: something of it is in the store", c.path)
				}
				d.Accounts.Store = whole
				w := d.call(c.method, c.path, c.token, c.body, header...)
				if w.Code >= 300 || w.Header().Get("Idempotency-Replayed") != "" {
					t.Errorf("%s with room again: got %d %s %v", c.path, w.Code, w.Body, w.Header())
				}
				if d.sum() == before {
					t.Errorf("%s with room again: nothing was done", c.path)
				}
			}
			if got := len(d.Events(audit.FactorsReset)); got != 2 {
				t.Errorf("got %d resets in the log, want the two that were done", got)
			}
		})
	}
}

// A list creates its users one by one. A full disk stops it, and a repeat creates the rest.
func TestFaults_ImportContinuesAfterAFullDisk(t *testing.T) {
	d := open(t)
	admin := d.admin()
	d.call("GET", "/api/v1/users", admin, "")
	body := `{"users":[{"profile":{"login":"a@garage.example"}},{"profile":{"login":"b@garage.example"}},{"profile":{"login":"c@garage.example"}}]}`
	disk := d.fill(1)
	w := d.call("POST", "/api/v1/imports?activate=true", admin, body)
	if problem(t, w, 503); w.Header().Get("Retry-After") != "5" || len(d.Mails()) > 1 {
		t.Errorf("got %v and %d mails", w.Header(), len(d.Mails()))
	}
	disk.left.Store(100)
	got := outcomes(t, read[tree](t, d.call("POST", "/api/v1/imports?activate=true", admin, body), 200))
	if want := "[exists false created true created true]"; fmt.Sprint(got) != want || len(d.Mails()) != 3 {
		t.Errorf("got %v and %d mails, want %s and an invitation each", got, len(d.Mails()), want)
	}
}
