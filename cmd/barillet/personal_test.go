package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"barillet/store"
)

// tableDecision says what an export of a user has of a table. Exactly one member is set.
type tableDecision struct {
	export string // the member of the export that has it
	none   string // why the export has nothing of it: a copy, a secret, gone within a day, or not about a user
}

// tableDecisions has a decision for each table of the store. A new table needs one, and if it can name a user a place in the export and in
// the test of the erasure.
var tableDecisions = map[string]tableDecision{
	"user/": {export: "user"}, "member/": {export: "groups"}, "roleholder/": {export: "roles"}, "unique/": {export: "factors"},
	"session/": {export: "sessions"}, "browser/": {export: "knownBrowsers"}, "failures/": {export: "failures"}, "grant/": {export: "applications"},
	"consent/": {export: "applications"}, "token/": {export: "apiTokens"}, "approval/": {export: "approvals"}, "helprequest/": {export: "helpRequests"},
	"outbox/": {export: "emails"}, "audit/": {export: "events"},

	"summary/": {none: "a copy of members of user/"}, "address/": {none: "an index of user/"}, "placeholder/": {none: "an index of the invitations of other groups, which rule 21 hides"},
	"name/": {none: "an index of user/"}, "userstate/": {none: "an index of user/"}, "auditentity/": {none: "an index of audit/"},
	"auditpending/": {none: "events of the last seconds"}, "auditleaf/": {none: "hashes of removed events"}, "erasure/": {none: "ids of deleted users"},
	"transaction/": {none: "ten minutes of a sign-in"}, "link/": {none: "hashes of links, by id"}, "forward/": {none: "hosts of a session, by its hash; ends with it"},
	"throttle/": {none: "HMACs and a time"}, "handover/": {none: "a day, and secret digits"}, "idempotency/": {none: "a day; answers to administrators"},
	"code/": {none: "used codes of a grant"}, "refresh/": {none: "tokens of a grant"}, "access/": {none: "tokens of a grant"}, "grantexpiring/": {none: "an index of grant/"},
	"logout/": {none: "undelivered ends of a session, by id"}, "authrequest/": {none: "hours, and no user"}, "usercode/": {none: "ten minutes, and secret"},
	"webhookdelivery/": {none: "ids of events of audit/"}, "signinpending/": {none: "seconds, then only numbers"},

	"group/": {none: "not about a user; its managers are roles"}, "groupname/": {none: "not about a user"}, "setup/": {none: "a hash and a time"},
	"client/": {none: "not about a user"}, "assertion/": {none: "hashes"}, "signkey/": {none: "secret, and not about a user"}, "webhook/": {none: "the author by id; audit/ has the event"},
	"audittile/": {none: "hashes"}, "audithead/": {none: "hashes"}, "signincount/": {none: "numbers without ids"}, "meta/": {none: "not about a user"},
}

func TestExport_HasADecisionForEachTable(t *testing.T) {
	tables := map[string]bool{}
	for _, table := range store.TableDefs() {
		tables[table.Prefix] = true
		if d := tableDecisions[table.Prefix]; (d.export == "") == (d.none == "") {
			t.Errorf("%s: decide whether an export of a user has its records", table.Prefix)
		}
	}
	for prefix := range tableDecisions {
		if !tables[prefix] {
			t.Errorf("%s is no table", prefix)
		}
	}
}

// The export of a user with a record in each table has each member, and no secret. It is recorded, and only for SUPER_ADMIN of all groups.
func TestExport_HasAllThatIsKept(t *testing.T) {
	d := newAttackDay(t)
	d.populate(1)
	s := d.subject()
	if err := d.app.tree.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.admin.act("the help desk exports", http.StatusForbidden, "", "POST", "/api/v1/users/"+s.login()+"/export", "{}")
	program := d.super("exporting")
	answer := program.act("an export", http.StatusOK, "", "POST", "/api/v1/users/"+s.login()+"/export", "{}")
	var export map[string]json.RawMessage
	if err := json.Unmarshal([]byte(answer.body), &export); err != nil {
		t.Fatal(err)
	}
	for prefix, decision := range tableDecisions {
		if member := string(export[decision.export]); decision.export != "" && (member == "" || member == "[]" || member == "null") {
			t.Errorf("%s: the export has no %s: %q", prefix, decision.export, member)
		}
	}
	for _, text := range s.needles {
		if !strings.Contains(strings.ToLower(answer.body), strings.ToLower(text)) {
			t.Errorf("the export does not contain %q", text)
		}
	}
	for _, secret := range []string{s.Key.Reveal(), strings.ReplaceAll(s.Key.Reveal(), " ", ""), s.Password.Reveal(), "argon2id"} {
		if strings.Contains(answer.body, secret) {
			t.Errorf("the export contains the secret %q", secret)
		}
	}
	if again := program.act("another export", http.StatusOK, "", "POST", "/api/v1/users/"+s.login()+"/export", "{}"); !strings.Contains(again.body, s.login()) {
		t.Error("no second export")
	}
	if err := d.app.tree.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := program.act("the log", http.StatusOK, "", "GET", "/api/v1/logs?limit=1000"); strings.Count(log.body, `"barillet.user.exported"`) != 2 {
		t.Error("the log does not state the two exports")
	}
}
