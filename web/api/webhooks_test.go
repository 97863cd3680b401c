package api_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/web/api/systemlog"
)

const receiver = `{"name":"Atelier","url":"https://hooks.example.com/in?key=URLSECRET","events":["user.mfa.*","barillet.webhook.*"]}`

// webhook creates a webhook and returns its id and secret.
func (d *apiEnv) webhook(token string) (id, secret string) {
	d.T.Helper()
	made := read[tree](d.T, d.call("POST", "/api/v1/webhooks", token, receiver), 201)
	return made.get("id").(string), made.get("secret").(string)
}

// logged are the entries of these actions, oldest first.
func (d *apiEnv) logged(actions ...string) (out []audit.Entry) {
	d.T.Helper()
	err := d.Store.View(d.T.Context(), func(s store.Snapshot) (err error) {
		out, _, err = d.Log.Scan(s, audit.Query{Limit: 200, Actions: actions})
		return err
	})
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

func TestWebhooks_CreateReadUpdateDelete(t *testing.T) {
	d := open(t)
	admin := d.admin()
	id, secret := d.webhook(admin)
	if !strings.HasPrefix(secret, "whsec_") || len(secret) != len("whsec_")+44 {
		t.Errorf("got secret of %d characters, want whsec_ and 32 bytes", len(secret))
	}
	d.Clock.Advance(time.Second) // what happens at one instant has no order in the log
	one := d.call("GET", "/api/v1/webhooks/"+id, admin, "")
	got := read[tree](t, one, 200)
	if strings.Contains(one.Body.String(), "whsec_") || got.get("secret") != nil || got.get("enabled") != true || got.get("disabledReason") != nil || got.get("oldSecretUntil") != nil {
		t.Errorf("got %s, want it enabled and without its secret", one.Body)
	}
	if list := read[[]tree](t, d.call("GET", "/api/v1/webhooks", admin, ""), 200); len(list) != 1 || list[0].get("name") != "Atelier" || list[0].get("secret") != nil {
		t.Errorf("got %v, want the one", list)
	}
	changed := read[tree](t, d.call("PUT", "/api/v1/webhooks/"+id, admin, `{"name":"Other","url":"https://other.example.com/","events":["*","*"],"enabled":false}`), 200)
	if events := changed.get("events").([]any); changed.get("name") != "Other" || len(events) != 1 || changed.get("enabled") != false || changed.get("disabledReason") != "administrator" {
		t.Errorf("got %v", changed)
	}
	before := len(d.logged(audit.WebhookUpdated))
	read[tree](t, d.call("PUT", "/api/v1/webhooks/"+id, admin, `{"name":"Other","url":"https://other.example.com/","events":["*"],"enabled":false}`), 200)
	if got := len(d.logged(audit.WebhookUpdated)); got != before {
		t.Error("a change of nothing is in the log")
	}
	if doc := problem(t, d.call("POST", "/api/v1/webhooks/"+id+"/test", admin, ""), 409); !strings.Contains(doc.Detail, "enabled") {
		t.Errorf("got %q, want to be told what to do", doc.Detail)
	}
	if w := d.call("DELETE", "/api/v1/webhooks/"+id, admin, ""); w.Code != 204 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, route := range []string{"GET ", "DELETE ", "PUT ", "POST /test", "POST /rotate", "GET /deliveries"} {
		method, rest, _ := strings.Cut(route, " ")
		body := ""
		if method == "PUT" {
			body = receiver
		}
		problem(t, d.call(method, "/api/v1/webhooks/"+id+rest, admin, body), 404)
	}
	entries := d.logged(audit.WebhookCreated, audit.WebhookUpdated, audit.WebhookDeleted)
	raw, err := json.Marshal(entries)
	if err != nil || len(entries) != 3 || entries[0].Targets[0].ID != id || entries[0].Detail["host"] != "hooks.example.com" {
		t.Errorf("got %s, %v, want three events with their receiver", raw, err)
	}
	if all := string(raw); strings.Contains(all, "URLSECRET") || strings.Contains(all, secret) {
		t.Errorf("a secret is in the log: %s", all)
	}
}

func TestWebhooks_RejectInvalidBody(t *testing.T) {
	d := open(t)
	admin := d.admin()
	long := strings.Repeat("x", 1100)
	for body, member := range map[string]string{
		`{"name":"","url":"https://hooks.example.com/","events":["*"]}`:                                    "name",
		`{"name":"` + long + `","url":"https://hooks.example.com/","events":["*"]}`:                        "name",
		`{"name":"x","url":"","events":["*"]}`:                                                             "url",
		`{"name":"x","url":"https://hooks.gärage.example/","events":["*"]}`:                                "url: the host must be in punycode",
		`{"name":"x","url":"http://hooks.example.com/","events":["*"]}`:                                    "url",
		`{"name":"x","url":"https://10.0.0.1/","events":["*"]}`:                                            "url",
		`{"name":"x","url":"https://[::ffff:127.0.0.1]/","events":["*"]}`:                                  "url",
		`{"name":"x","url":"https://169.254.169.254/latest","events":["*"]}`:                               "url",
		`{"name":"x","url":"https://localhost/","events":["*"]}`:                                           "url",
		`{"name":"x","url":"https://me:pw@hooks.example.com/","events":["*"]}`:                             "url",
		`{"name":"x","url":"https://hooks.example.com:22/","events":["*"]}`:                                "url",
		`{"name":"x","url":"https://hooks.example.com/` + long + `","events":["*"]}`:                       "url",
		`{"name":"x","url":"https://hooks.example.com/","events":[]}`:                                      "events",
		`{"name":"x","url":"https://hooks.example.com/"}`:                                                  "events",
		`{"name":"x","url":"https://hooks.example.com/","events":["user.mfa.*.reset"]}`:                    "events",
		`{"name":"x","url":"https://hooks.example.com/","events":["user.sesion.start"]}`:                   "events",
		`{"name":"x","url":"https://hooks.example.com/","events":["*",""]}`:                                "events",
		`{"name":"x","url":"https://hooks.example.com/","events":["*"` + strings.Repeat(`,"*"`, 16) + `]}`: "events",
	} {
		doc := problem(t, d.call("POST", "/api/v1/webhooks", admin, body), 400)
		if !strings.Contains(doc.Detail, member) || strings.Contains(doc.Detail, "hooks.example.com") || strings.Contains(doc.Detail, "pw") {
			t.Errorf("%.80s: got %q, want %s named and no value", body, doc.Detail, member)
		}
	}
	for i := range webhook.Most {
		read[tree](t, d.call("POST", "/api/v1/webhooks", admin, strings.Replace(receiver, "Atelier", "Atelier "+strconv.Itoa(i), 1)), 201)
	}
	if doc := problem(t, d.call("POST", "/api/v1/webhooks", admin, receiver), 409); !strings.HasSuffix(doc.Type, "too_many") {
		t.Errorf("got %s, want too many", doc.Type)
	}
	if got := len(d.logged(audit.WebhookCreated)); got != webhook.Most {
		t.Errorf("got %d events of %d webhooks", got, webhook.Most)
	}
	allowed, err := outbound.ParseAllowed([]string{"hooks.garage.local"})
	if err != nil {
		t.Fatal(err)
	}
	d = open(t)
	d.Directory.Admin.Outbound = outbound.New(outbound.Config{Allowed: allowed})
	read[tree](t, d.call("POST", "/api/v1/webhooks", d.admin(), `{"name":"x","url":"http://hooks.garage.local/","events":["*"]}`), 201)
}

func TestWebhooks_RequireUnscopedSuperAdmin(t *testing.T) {
	d := open(t)
	g := d.CreateGroup("Garage Lumière")
	id, _ := d.webhook(d.admin())
	some := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{g} })
	for _, route := range []string{"GET /webhooks", "POST /webhooks", "GET /webhooks/{wid}", "PUT /webhooks/{wid}", "DELETE /webhooks/{wid}",
		"POST /webhooks/{wid}/test", "POST /webhooks/{wid}/rotate", "GET /webhooks/{wid}/deliveries"} {
		method, path, _ := strings.Cut(route, " ")
		body := ""
		if method == "PUT" || route == "POST /webhooks" {
			body = receiver
		}
		problem(t, d.call(method, "/api/v1"+strings.Replace(path, "{wid}", id, 1), some, body), 403)
	}
	if w := d.local("GET", "/api/v1/webhooks/"+id, ""); w.Code != 200 {
		t.Errorf("the operator: got %d", w.Code)
	}
}

func TestWebhooks_RotateKeepsOldSecretForADay(t *testing.T) {
	d := open(t)
	admin := d.admin()
	id, old := d.webhook(admin)
	rotated := read[tree](t, d.call("POST", "/api/v1/webhooks/"+id+"/rotate", admin, ""), 200)
	if rotated.get("secret") == old || rotated.get("oldSecretUntil") != d.Clock.Now().Add(24*time.Hour).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("got %v", rotated)
	}
	d.Clock.Advance(24 * time.Hour)
	if got := read[tree](t, d.call("GET", "/api/v1/webhooks/"+id, admin, ""), 200); got.get("oldSecretUntil") != nil {
		t.Errorf("a day later: got %v", got)
	}
}

func TestWebhooks_ListDeliveries(t *testing.T) {
	d := open(t)
	admin := d.admin()
	id, _ := d.webhook(admin)
	u, _, _ := d.Member("zoe@garage.example", nil)
	read[tree](t, d.call("POST", "/api/v1/webhooks/"+id+"/test", admin, ""), 202)
	read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, ""), 200)
	deliveries := "/api/v1/webhooks/" + id + "/deliveries"
	first := d.call("GET", deliveries+"?limit=1", admin, "")
	if list := read[[]tree](t, first, 200); len(list) != 1 || list[0].get("status") != "waiting" || list[0].get("attempts") != 0.0 {
		t.Errorf("got %s", first.Body)
	}
	types := map[string]int{}
	for page := deliveries + "?limit=1"; page != ""; {
		w := d.call("GET", page, admin, "")
		for _, x := range read[[]tree](t, w, 200) {
			types[x.get("eventType").(string)]++
			if id := x.get("eventId").(string); len(d.logged(x.get("eventType").(string))) == 0 || id == "" {
				t.Errorf("the log has no %s", id)
			}
		}
		if strings.Contains(w.Body.String(), "zoe@") {
			t.Errorf("the list says who: %s", w.Body)
		}
		page = next(t, w.Header())
	}
	if types[audit.WebhookTested] != 1 || types[audit.FactorsReset] != 1 || types[audit.TicketIssued] != 0 {
		t.Errorf("got %v, want the test and the reset once, and nothing that was not asked for", types)
	}
	if list := read[[]tree](t, d.call("GET", deliveries+"?status=dead", admin, ""), 200); len(list) != 0 {
		t.Errorf("got %v given up", list)
	}
	problem(t, d.call("GET", deliveries+"?status=lost", admin, ""), 400)
}

func TestNotification_ContainsTheEventOfTheLog(t *testing.T) {
	d := open(t)
	admin := d.admin()
	u, _, _ := d.Member("zoe@garage.example", nil)
	read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, `{"reason":"lost"}`), 200)
	shown := read[[]tree](t, d.call("GET", `/api/v1/logs?filter=eventType+eq+"user.mfa.factor.reset_all"`, admin, ""), 200)
	entry := d.logged(audit.FactorsReset)[0]
	body, err := systemlog.Notification(entry)
	if err != nil {
		t.Fatal(err)
	}
	var told tree
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(shown[0])
	got, _ := json.Marshal(told.get("data"))
	if string(got) != string(want) || told.get("type") != "user.mfa.factor.reset_all" || told.get("timestamp") != shown[0].get("published") {
		t.Errorf("got %s\nwant %s", body, want)
	}
	if again, _ := systemlog.Notification(entry); string(again) != string(body) {
		t.Error("the same event is told in other bytes the second time")
	}
}
