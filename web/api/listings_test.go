package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

func TestLogs_HaveOktasShape(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	admin := d.admin()
	read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, `{"reason":"perdu"}`), 200)
	w := d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(`eventType eq "user.mfa.factor.reset_all"`), admin, "")
	list := read[[]tree](t, w, 200)
	if len(list) != 1 {
		t.Fatalf("got %d events, want one for one act", len(list))
	}
	e := list[0]
	for path, want := range map[string]any{"eventType": audit.FactorsReset, "severity": "INFO", "displayMessage": "All devices reset", "outcome result": "SUCCESS",
		"actor type": "ApiToken", "actor displayName": "script", "version": "0", "transaction type": "WEB", "debugContext debugData reason": "perdu"} {
		if got := e.get(strings.Fields(path)...); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	target, _ := e.get("target").([]any)
	if len(target) == 0 || tree(target[0].(map[string]any)).get("id") != string(u.ID) || tree(target[0].(map[string]any)).get("alternateId") != u.Login {
		t.Errorf("got target %v, want the person", target)
	}
	if id, _ := e.get("uuid").(string); id == "" || e.get("published") == nil || e.get("client", "userAgent", "rawUserAgent") == nil || e.get("transaction", "id") == "" {
		t.Errorf("got %v, want id, time, client and request", e)
	}
	for query, want := range map[string]int{
		`eventType eq "user.mfa.factor.reset_all" or eventType eq "system.api_token.create"`: 2,
		`target.id eq "` + string(u.ID) + `" and eventType eq "user.mfa.factor.reset_all"`:   1,
		`outcome.result eq "DENY"`: 0,
		`actor.id eq "operator:0" and eventType eq "system.api_token.create"`:                     1,
		`transaction.id eq "` + e.get("transaction", "id").(string) + `" and target.id eq "none"`: 0,
	} {
		if got := read[[]tree](t, d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(query), admin, ""), 200); len(got) != want {
			t.Errorf("%s: got %d, want %d", query, len(got), want)
		}
	}
	for _, query := range []string{"since=yesterday", "until=2026", "sortOrder=UP", "after=../user", "filter=" + url.QueryEscape(`eventType gt "user"`),
		"filter=" + url.QueryEscape(`client.zone eq "a"`), "filter=x&filter=y"} {
		problem(t, d.call("GET", "/api/v1/logs?"+query, admin, ""), 400)
	}
}

func TestLogs_PageInBothOrders(t *testing.T) {
	d := open(t)
	admin := d.admin()
	for i := range 25 {
		d.Clock.Advance(time.Minute)
		if w := d.call("POST", "/api/v1/groups", admin, fmt.Sprintf(`{"profile":{"name":"Garage %d"}}`, i)); w.Code != 200 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	ids := func(query string) (out []string) {
		for path := "/api/v1/logs?limit=4" + query; path != ""; {
			w := d.call("GET", path, admin, "")
			for _, e := range read[[]tree](t, w, 200) {
				out = append(out, e.get("uuid").(string))
			}
			path = next(t, w.Header())
		}
		return out
	}
	up, down := ids(""), ids("&sortOrder=DESCENDING")
	slices.Reverse(down)
	if len(up) < 26 || !slices.IsSorted(up) || !slices.Equal(up, down) {
		t.Errorf("got %d forwards and %d backwards, want the same", len(up), len(down))
	}
	between := ids("&since=2026-03-02T08:05:00Z&until=2026-03-02T08:10:00.000Z")
	if len(between) != 5 {
		t.Errorf("got %d of five minutes, want 5", len(between))
	}
	if got := ids("&q=" + url.QueryEscape("garage 7")); len(got) != 1 {
		t.Errorf("got %d for a text, want 1", len(got))
	}
}

func TestGroups_CreateAndFind(t *testing.T) {
	d := open(t)
	administrator := d.admin()
	made := read[tree](t, d.call("POST", "/api/v1/groups", administrator, `{"profile":{"name":"Garage Lumière","description":"Lyon"},"type":"OKTA_GROUP","objectClass":[]}`), 200)
	gid := made.get("id").(string)
	got := read[tree](t, d.call("GET", "/api/v1/groups/"+gid, administrator, ""), 200)
	if mustJSON(t, got) != mustJSON(t, made) || got.get("profile", "name") != "Garage Lumière" || got.get("type") != "OKTA_GROUP" {
		t.Errorf("got %v, want %v", got, made)
	}
	for _, body := range []string{`{}`, `{"profile":{"name":" "}}`, `{"profile":{"name":"a\u0000b"}}`, `{"profile":{"name":"` + strings.Repeat("x", 256) + `"}}`,
		`{"profile":{"name":"x","description":"` + strings.Repeat("x", 1025) + `"}}`, `{"profile":{"name":"x","colour":"red"}}`} {
		problem(t, d.call("POST", "/api/v1/groups", administrator, body), 400)
	}
	d.CreateGroup("Garage Nord")
	w := d.call("GET", "/api/v1/groups?limit=1", administrator, "")
	second := read[[]tree](t, d.call("GET", next(t, w.Header()), administrator, ""), 200)
	if len(second) != 1 || second[0].get("id") == read[[]tree](t, w, 200)[0].get("id") {
		t.Errorf("got %v on the second page", second)
	}
	// A token of one garage knows that one only.
	scoped := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{account.GroupID(gid)} })
	if list := read[[]tree](t, d.call("GET", "/api/v1/groups", scoped, ""), 200); len(list) != 1 || list[0].get("id") != gid {
		t.Errorf("got %v, want its own garage", list)
	}
	problem(t, d.call("GET", "/api/v1/groups/"+second[0].get("id").(string)+"x", scoped, ""), 404)
	problem(t, d.call("POST", "/api/v1/groups", scoped, `{"profile":{"name":"Mine"}}`), 403)
	if list := read[[]tree](t, d.call("GET", "/api/v1/logs", scoped, ""), 200); len(list) != 0 {
		t.Errorf("the log of a garage without people: got %v", list)
	}
	nobody := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{} })
	if list := read[[]tree](t, d.call("GET", "/api/v1/groups", nobody, ""), 200); len(list) != 0 {
		t.Errorf("an empty scope: got %v, want nobody's", list)
	}
}

func TestTokens_SecretIsShownOnce(t *testing.T) {
	d := open(t)
	gid := d.CreateGroup("Garage")
	body := `{"name":"help desk","role":"HELP_DESK_ADMIN","groups":["` + string(gid) + `"],"expiresIn":86400}`
	made := read[tree](t, d.local("POST", "/api/v1/api-tokens", body), 201)
	secret, _ := made.get("token").(string)
	if !strings.HasPrefix(secret, admin.TokenPrefix) || made.get("expiresAt") != "2026-03-03T08:00:00.000Z" || made.get("owner") != "operator:0" {
		t.Errorf("got %v, want a token of a day", made)
	}
	if w := d.call("GET", "/api/v1/users", secret, ""); w.Code != 200 {
		t.Errorf("the token that was shown: got %d", w.Code)
	}
	list := read[[]tree](t, d.local("GET", "/api/v1/api-tokens", ""), 200)
	if len(list) != 1 || list[0].get("token") != nil || mustJSON(t, list[0].get("groups")) != `["`+string(gid)+`"]` || list[0].get("lastUsed") == nil {
		t.Errorf("got %v, want it without its secret", list)
	}
	all := read[tree](t, d.local("POST", "/api/v1/api-tokens", `{"name":"all","role":"SUPER_ADMIN","allow":["secrets","authn"],"groups":null}`), 201)
	if got, ok := all["groups"]; !ok || got != nil || mustJSON(t, all.get("allow")) != `["secrets","authn"]` {
		t.Errorf("got %v, want everybody and both allowances", all)
	}
	for _, body := range []string{`{"role":"SUPER_ADMIN"}`, `{"name":"x"}`, `{"name":"x","role":"KING"}`, `{"name":"x","role":"SUPER_ADMIN","expiresIn":99999999}`,
		`{"name":"x","role":"SUPER_ADMIN","expiresIn":-1}`, `{"name":"x","role":"SUPER_ADMIN","expiresIn":9223372036854775807}`,
		`{"name":"x","role":"SUPER_ADMIN","allow":["all"]}`, `{"name":"x","role":"HELP_DESK_ADMIN","allow":["secrets"]}`, `{"name":"x","role":"SUPER_ADMIN","groups":["g0"]}`} {
		problem(t, d.local("POST", "/api/v1/api-tokens", body), 400)
	}
}
