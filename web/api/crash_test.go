package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/web/api"
)

// keyedCall is a call with an idempotency key. The process ends as soon as the operation is on disk.
type keyedCall struct {
	route       string // as the document has it
	path, body  string
	token       string
	want        int
	secret      string // what the first answer has and a repeat has not
	tellsOthers bool   // in an Update of its own, after the act: the answer to the caller may be lost
}

// crashed makes the call, loses the process, and makes it again.
func (d *apiEnv) crashed(c keyedCall, key string) {
	d.T.Helper()
	method, _, _ := strings.Cut(c.route, " ")
	d.fill(1) // the process ends as soon as the act is on disk
	first := d.call(method, c.path, c.token, c.body, "Idempotency-Key", key)
	lost := c.tellsOthers && first.Code == http.StatusServiceUnavailable
	if !lost && (first.Code != c.want || !strings.Contains(first.Body.String(), c.secret)) {
		d.T.Fatalf("%s: got %d %s", c.route, first.Code, first.Body)
	}
	d.fill(0) // whatever the repeat would do is seen
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, OIDC: d.Apps, Ring: d.Ring, PublicURL: "https://login.example/"})
	repeat := d.call(method, c.path, c.token, c.body, "Idempotency-Key", key)
	if repeat.Code != c.want || repeat.Header().Get("Idempotency-Replayed") != "true" {
		d.T.Errorf("%s: got %d %s, want the first answer", c.route, repeat.Code, repeat.Body)
	}
	switch {
	case c.secret != "" && strings.Contains(repeat.Body.String(), c.secret):
		d.T.Errorf("%s: got %s, want no secret", c.route, repeat.Body)
	case c.secret == "" && !lost && repeat.Body.String() != first.Body.String():
		d.T.Errorf("%s: got %s, want %s", c.route, repeat.Body, first.Body)
	}
	d.fill(1000)
	other := c.path + map[bool]string{true: "&", false: "?"}[strings.Contains(c.path, "?")] + "another=1"
	problem(d.T, d.call(method, other, c.token, c.body, "Idempotency-Key", key), 422)
	d.Clock.Advance(time.Second)
}

// keyedRoutes are those whose entry in the document takes an idempotency key.
func keyedRoutes(t *testing.T) (routes []string) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, place := range c.operations() {
		op, _ := c.at(place)
		parameters, _ := op.(map[string]any)["parameters"].([]any)
		for _, p := range parameters {
			if p.(map[string]any)["$ref"] == "#/components/parameters/IdempotencyKey" {
				routes = append(routes, pattern)
			}
		}
	}
	return routes
}

// withoutKey are the calls that create or send, or look so, and take no key.
var withoutKey = []string{"POST /api/v1/users/{id}/export", "POST /api/v1/imports", "POST /api/v1/users/{id}/factors/{fid}/verify",
	"POST /api/v1/signing-keys/rotate", "POST /api/v1/signing-keys/{kid}/withdraw", "POST /api/v1/store-keys", "POST /api/v1/authn", "POST /api/v1/authn/factors/{fid}/verify", "POST /api/v1/authn/cancel", "POST /api/v1/logs/verify", "POST /api/v1/logs/erase", "POST /api/v1/backup"}

// The response is stored in the Update of the operation (protocol rule 26), so that a crash loses only its secrets. The
// test covers every route with a key.
func TestIdempotency_RepeatAfterACrashGetsTheFirstResponse(t *testing.T) {
	d := open(t)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	walked := map[string]bool{}
	n := 0
	walk := func(calls ...keyedCall) {
		t.Helper()
		for _, c := range calls {
			if c.token == "" {
				c.token = secrets
			}
			if c.want == 0 {
				c.want = http.StatusOK
			}
			n++
			d.crashed(c, fmt.Sprint("k", n))
			walked[c.route] = true
		}
	}
	d.walkUsers(walk)
	d.walkDevices(walk, secrets)
	d.walkService(walk, secrets)

	keyed := keyedRoutes(t)
	for _, pattern := range d.API.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if elsewhere(path) {
			continue
		}
		switch creates := method == http.MethodPost || method == http.MethodPatch; {
		case slices.Contains(keyed, pattern) != (creates && !slices.Contains(withoutKey, pattern)):
			t.Errorf("%s: whether it takes an idempotency key is not as described", pattern)
		case slices.Contains(keyed, pattern) && !walked[pattern]:
			t.Errorf("%s takes an idempotency key, and no crash behind it was tried", pattern)
		}
	}
	if len(keyed) < 20 {
		t.Errorf("got %v: this proves little", keyed)
	}
}

func (d *apiEnv) walkUsers(walk func(...keyedCall)) {
	u, _, _ := d.Member("amelie@garage.example", nil)
	invited := d.CreateUser("nadia@garage.example", nil)
	const users, one = "POST /api/v1/users", "POST /api/v1/users/{id}"
	amelie, nadia := "/api/v1/users/"+string(u.ID), "/api/v1/users/"+string(invited.ID)
	reset := amelie + "/lifecycle/reset_factors"
	walk(
		keyedCall{route: users, path: "/api/v1/users?sendEmail=false", body: `{"profile":{"login":"new@garage.example"}}`, secret: "activationUrl"},
		keyedCall{route: one, path: amelie, body: `{"profile":{"firstName":"Amélie"},"credentials":{"password":{"value":"dix clefs et un tournevis"}}}`},
		keyedCall{route: one + "/lifecycle/activate", path: nadia + "/lifecycle/activate?sendEmail=false", secret: "activationUrl"},
		keyedCall{route: one + "/lifecycle/reactivate", path: nadia + "/lifecycle/reactivate"},
		keyedCall{route: one + "/lifecycle/withdraw_invitation", path: nadia + "/lifecycle/withdraw_invitation"},
		keyedCall{route: one + "/lifecycle/unlock", path: amelie + "/lifecycle/unlock"},
		keyedCall{route: one + "/lifecycle/suspend", path: amelie + "/lifecycle/suspend"},
		keyedCall{route: one + "/lifecycle/unsuspend", path: amelie + "/lifecycle/unsuspend"},
		keyedCall{route: one + "/lifecycle/reset_password", path: amelie + "/lifecycle/reset_password?sendEmail=false", secret: "resetPasswordUrl"},
		keyedCall{route: one + "/lifecycle/expire_password", path: amelie + "/lifecycle/expire_password"},
		keyedCall{route: one + "/credentials/change_password", path: amelie + "/credentials/change_password",
			body: `{"oldPassword":{"value":"dix clefs et un tournevis"},"newPassword":{"value":"onze clefs et un marteau"}}`},
		keyedCall{route: one + "/lifecycle/expire_password_with_temp_password", path: amelie + "/lifecycle/expire_password_with_temp_password", secret: "tempPassword"},
		keyedCall{route: one + "/roles", path: amelie + "/roles", body: `{"type":"HELP_DESK_ADMIN"}`, want: 201},
		keyedCall{route: one + "/lifecycle/reset_factors", path: reset, body: `{"sendEmail":false,"reason":"lost"}`, secret: `"url"`},
		keyedCall{route: one + "/lifecycle/reset_factors", path: reset, body: `{}`}, // which is repeated
		keyedCall{route: one + "/lifecycle/reset_factors", path: reset, body: `{"sendEmail":true}`},
		keyedCall{route: one + "/lifecycle/withdraw_tickets", path: amelie + "/lifecycle/withdraw_tickets"},
		keyedCall{route: one + "/lifecycle/deactivate", path: amelie + "/lifecycle/deactivate"},
	)
}

func (d *apiEnv) walkDevices(walk func(...keyedCall), token string) {
	u, _, _ := d.Member("luc@garage.example", nil)
	const one = "POST /api/v1/users/{id}/factors"
	path := "/api/v1/users/" + string(u.ID) + "/factors"
	walk(keyedCall{route: one, path: path, body: totpBody, secret: "sharedSecret"})
	phone, _ := d.offered(token, u) // takes the place of the one whose secret was lost
	walk(keyedCall{route: one + "/{fid}/lifecycle/activate", path: path + "/" + string(phone.Device) + "/lifecycle/activate", body: code(phone)})
	walk(keyedCall{route: one + "/{fid}/lifecycle/freeze", path: path + "/" + string(u.Devices[0].ID) + "/lifecycle/freeze", body: `{"reason":"lost"}`},
		keyedCall{route: "POST /api/v1/users/{id}/lifecycle/freeze_factors", path: "/api/v1/users/" + string(u.ID) + "/lifecycle/freeze_factors"})
}

func (d *apiEnv) walkService(walk func(...keyedCall), token string) {
	const cases, hooks = "/api/v1/help-requests/{hid}", "POST /api/v1/webhooks"
	super := func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleSuperAdmin}} }
	boss, _, _ := d.Member("boss@garage.example", super)
	deputy, _, _ := d.Member("deputy@garage.example", super)
	second := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Owner = string(deputy.ID) })
	reset := "/api/v1/users/" + string(boss.ID) + "/lifecycle/reset_factors"
	walk(
		keyedCall{route: "POST /oauth2/v1/clients", path: "/oauth2/v1/clients", body: clientBody, want: 201, secret: `"client_secret":`},
		keyedCall{route: "POST /api/v1/groups", path: "/api/v1/groups", body: `{"profile":{"name":"Garage"}}`},
		keyedCall{route: "POST /api/v1/api-tokens", path: "/api/v1/api-tokens", body: `{"name":"x","role":"READ_ONLY_ADMIN"}`, want: 201, secret: `"token"`},
		keyedCall{route: "POST /api/v1/users/{id}/lifecycle/reset_factors", path: reset, want: 202, tellsOthers: true},
	)
	waiting := read[[]tree](d.T, d.call("GET", "/api/v1/approvals", token, ""), 200)
	help, _ := d.asked()
	hook, _ := d.webhook(token)
	client := read[[]tree](d.T, d.call("GET", "/oauth2/v1/clients", token, ""), 200)[0].get("client_id").(string)
	walk(
		keyedCall{route: "POST /oauth2/v1/clients/{cid}/secret", path: "/oauth2/v1/clients/" + client + "/secret", secret: `"client_secret":`},
		keyedCall{route: "POST /api/v1/approvals/{aid}", path: "/api/v1/approvals/" + waiting[0].get("id").(string), token: second, tellsOthers: true},
		keyedCall{route: "PATCH " + cases, path: help, body: `{"assignee":"me","note":"x"}`},
		keyedCall{route: "POST " + cases + "/notes", path: help + "/notes", body: `{"text":"x"}`, want: 201},
		keyedCall{route: hooks, path: "/api/v1/webhooks", body: receiver, want: 201, secret: `"secret"`},
		keyedCall{route: hooks + "/{wid}/rotate", path: "/api/v1/webhooks/" + hook + "/rotate", secret: `"secret"`},
		keyedCall{route: hooks + "/{wid}/test", path: "/api/v1/webhooks/" + hook + "/test", want: 202},
	)
}
