package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"
)

// keyed is one request with an idempotency key.
func (d *apiEnv) keyed(path, token, body, key string) *httptest.ResponseRecorder {
	return d.call("POST", path, token, body, "Idempotency-Key", key)
}

func TestIdempotency_RepeatGetsTheFirstResponse(t *testing.T) {
	d := open(t)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	u, _, _ := d.Member("zoe@garage.example", nil)
	for _, c := range []struct{ name, path, body, secret string }{
		{"a person", "/api/v1/users?sendEmail=false", `{"profile":{"login":"new@garage.example"}}`, "activationToken"},
		{"an activation", "/api/v1/users/new@garage.example/lifecycle/activate?sendEmail=false", ``, "activationToken"},
		{"a reset", "/api/v1/users/" + string(u.ID) + "/lifecycle/reset_factors", `{"sendEmail":false}`, `"code"`},
		{"a token", "/api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`, `"token"`},
		{"a garage", "/api/v1/groups", `{"profile":{"name":"G"}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := "key of " + c.name
			key = strings.ReplaceAll(key, " ", "-")
			first := d.keyed(c.path, secrets, c.body, key)
			if first.Code >= 300 || c.secret != "" && !strings.Contains(first.Body.String(), c.secret) {
				t.Fatalf("got %d %s, want it done and its secret", first.Code, first.Body)
			}
			events, mails := len(d.Events()), len(d.Mails())
			d.Clock.Advance(time.Hour)
			again := d.keyed(c.path, secrets, c.body, key)
			if again.Code != first.Code || again.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("got %d %s, want %d again", again.Code, again.Body, first.Code)
			}
			if c.secret != "" && strings.Contains(again.Body.String(), c.secret) {
				t.Errorf("got %s, want no secret", again.Body)
			}
			if c.secret == "" && strings.TrimSpace(again.Body.String()) != strings.TrimSpace(first.Body.String()) {
				t.Errorf("got %s, want %s", again.Body, first.Body)
			}
			if len(d.Events()) != events || len(d.Mails()) != mails {
				t.Error("the repeat did something")
			}
		})
	}
}

func TestIdempotency_KeyIsBoundToRequestTokenAndDay(t *testing.T) {
	d := open(t)
	one, other := d.admin(), d.admin()
	body := `{"profile":{"name":"Garage"}}`
	first := read[tree](t, d.keyed("/api/v1/groups", one, body, "k1"), 200)
	for _, c := range []struct{ path, body string }{
		{"/api/v1/groups", `{"profile":{"name":"Another"}}`},
		{"/api/v1/groups?x=1", body},
		{"/api/v1/users", `{"profile":{"login":"a@garage.example"}}`},
	} {
		if doc := problem(t, d.keyed(c.path, one, c.body, "k1"), 422); doc.Type != "/problems/idempotency" {
			t.Errorf("%s: got %s", c.path, doc.Type)
		}
	}
	if w := d.call("GET", "/api/v1/users/a@garage.example", one, ""); w.Code != 404 {
		t.Error("a request refused for its key was done")
	}
	if got := read[tree](t, d.keyed("/api/v1/groups", other, `{"profile":{"name":"Another"}}`, "k1"), 200); got.get("id") == first.get("id") {
		t.Error("the key of one token answered another")
	}
	for i, keys := range [][]string{{"a b"}, {"é"}, {""}, {strings.Repeat("x", 256)}, {"k2", "k3"}} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/groups", strings.NewReader(fmt.Sprintf(`{"profile":{"name":"Group %d"}}`, i)))
		r.Header.Set("Authorization", "SSWS "+one)
		r.Header.Set("Content-Type", "application/json")
		r.Header["Idempotency-Key"] = keys
		w := httptest.NewRecorder()
		d.serve(w, r)
		if problem(t, w, 400); len(read[[]tree](t, d.call("GET", fmt.Sprintf("/api/v1/groups?q=Group+%d", i), one, ""), 200)) != 0 {
			t.Errorf("the keys %q created a group", keys)
		}
	}
	d.Clock.Advance(24 * time.Hour)
	if got := read[tree](t, d.keyed("/api/v1/groups", one, `{"profile":{"name":"Third"}}`, "k1"), 200); got.get("id") == first.get("id") {
		t.Error("the key outlived its day")
	}
}

// The second of two equal requests has read that the key is free, and finds it taken when it stores its own response.
func TestIdempotency_KeyTakenMeanwhileRepeatsTheFirstResponse(t *testing.T) {
	d := open(t)
	admin := d.admin()
	const path, body = "/api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`
	d.call("GET", "/api/v1/groups", admin, "") // the minute of its last use is written
	before := len(d.Events(audit.TokenCreated))
	var first *httptest.ResponseRecorder
	rerun := d.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		first = d.keyed(path, admin, body, "k")
	}
	second := d.keyed(path, admin, body, "k")
	if first == nil || first.Code != second.Code || second.Header().Get("Idempotency-Replayed") != "true" {
		t.Fatalf("got %v, then %d %s, want the first response again", first, second.Code, second.Body)
	}
	if got := len(d.Events(audit.TokenCreated)) - before; got != 1 {
		t.Errorf("got %d tokens, want one for both requests", got)
	}
}

func TestIdempotency_RefusedRequestTakesNoKey(t *testing.T) {
	d := open(t)
	admin := d.admin()
	d.CreateUser("there@garage.example", nil)
	problem(t, d.keyed("/api/v1/users", admin, `{"profile":{"login":"there@garage.example"}}`, "k"), 409)
	problem(t, d.keyed("/api/v1/users", admin, `{"profile":{"login":"no address"}}`, "k"), 400)
	problem(t, d.keyed("/api/v1/users/nobody@garage.example/lifecycle/reset_factors", admin, ``, "k"), 404)
	read[tree](t, d.keyed("/api/v1/users", admin, `{"profile":{"login":"new@garage.example"}}`, "k"), 200)
}

func TestIdempotency_SimultaneousRequestsRunOnce(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	admin := d.admin()
	codes := make([]int, 8)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			codes[i] = d.keyed("/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, `{"sendEmail":true}`, "k").Code
		})
	}
	all.Wait()
	done := 0
	for _, code := range codes {
		if code != 200 {
			t.Errorf("got %d, want the one answer", code)
			continue
		}
		done++
	}
	resets, tickets := len(d.Events(audit.FactorsReset)), len(d.Events(audit.TicketIssued))
	if done == 0 || resets != 1 || tickets != 0 {
		t.Errorf("got %v with %d resets and %d more tickets, want one act", codes, resets, tickets)
	}
	if w := d.keyed("/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, `{"sendEmail":true}`, "k"); w.Code != 200 {
		t.Errorf("afterwards: got %d", w.Code)
	}
}

func TestIdempotency_ExpiredResponsesAreDeleted(t *testing.T) {
	d := open(t)
	admin := d.admin()
	count := func() (n int) {
		err := d.Store.View(t.Context(), func(s store.Snapshot) error {
			n = 0
			return s.Scan(store.Idempotency.Prefix, "", 0, func(string, []byte) error { n++; return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 40 {
		d.keyed("/api/v1/groups", admin, fmt.Sprintf(`{"profile":{"name":"G%d"}}`, i), "old-"+strings.Repeat("x", i))
	}
	d.Clock.Advance(23 * time.Hour)
	d.keyed("/api/v1/groups", admin, `{"profile":{"name":"G"}}`, "young")
	if err := storetest.Sweep(t.Context(), d.Store, d.API.Sweep()); err != nil || count() != 41 {
		t.Errorf("within the day: got %d, %v, want all kept", count(), err)
	}
	d.Clock.Advance(time.Hour)
	if err := storetest.Sweep(t.Context(), d.Store, d.API.Sweep()); err != nil || count() != 1 {
		t.Errorf("after a day: got %d, %v, want the young one", count(), err)
	}
}
