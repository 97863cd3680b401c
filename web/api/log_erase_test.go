package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/storetest"
)

// erase calls the operator's erasure of a user.
func (d *apiEnv) erase(id account.UserID, status int) tree {
	d.T.Helper()
	w := d.local("POST", "/api/v1/logs/erase", `{"user":"`+string(id)+`"}`)
	if status != 200 {
		problem(d.T, w, status)
		return nil
	}
	return read[tree](d.T, w, 200)
}

// deleted creates a user, who signs in, and deletes them.
func (d *apiEnv) deleted(login string) account.User {
	d.T.Helper()
	u, _, _ := d.Member(login, nil)
	for range 2 { // deactivate, then delete
		if w := d.local("DELETE", "/api/v1/users/"+string(u.ID), ""); w.Code != 204 {
			d.T.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	return u
}

func TestLogs_EraseIsForTheOperatorAndADeletedUser(t *testing.T) {
	d := open(t)
	zoe := d.deleted("zoe@garage.example")
	karim, _, _ := d.Member("karim@garage.example", nil)
	super := d.admin()
	for _, u := range []account.User{zoe, karim, {ID: "u-unknown"}} {
		w := d.call("POST", "/api/v1/logs/erase", super, `{"user":"`+string(u.ID)+`"}`)
		if p := problem(t, w, 403); !strings.Contains(p.Detail, "only the operator") {
			t.Errorf("a token of a SUPER_ADMIN: got %+v", p)
		}
	}
	w := d.local("POST", "/api/v1/logs/erase", `{"user":"`+string(karim.ID)+`"}`)
	if p := problem(t, w, 409); !strings.Contains(p.Detail, "delete the user first") {
		t.Errorf("a user who exists: got %+v", p)
	}
	if w := d.local("DELETE", "/api/v1/users/"+string(karim.ID), ""); w.Code != 204 {
		t.Fatalf("got %d", w.Code)
	}
	d.erase(karim.ID, 409) // deactivated, not deleted
	d.erase("u-unknown", 404)
	d.erase("", 404)
	d.erase("nobody here/é", 404)
	d.erase(account.UserID(strings.Repeat("u", 600)), 404)
	if len(d.Events(audit.EventsErased)) != 0 || !strings.Contains(d.shownLog(), "zoe@garage.example") {
		t.Error("a refused call erased something")
	}
}

// shownLog returns all events as the API shows them.
func (d *apiEnv) shownLog() string {
	d.T.Helper()
	return d.local("GET", "/api/v1/logs?limit=1000", "").Body.String()
}

func TestLogs_EraseNamesTheOperatorAndLeavesAVerifiableLog(t *testing.T) {
	d := open(t)
	zoe := d.deleted("zoe@garage.example")
	if got := d.shownLog(); !strings.Contains(got, "zoe@garage.example") || !strings.Contains(got, "Firefox") {
		t.Fatalf("got %s", got)
	}
	event := d.Events(audit.PasswordProven, audit.SessionStart)[0].ID
	for range 3 { // the first call comes before the events have numbers; a repeated one has no effect
		if got := d.erase(zoe.ID, 200); got.get("complete") != true {
			t.Errorf("got %v", got)
		}
		if n := len(d.Events(audit.EventsErased)); n != 1 {
			t.Fatalf("got %d statements, want one", n)
		}
	}
	statement := d.Events(audit.EventsErased)[0]
	if statement.Actor != operatorActor || statement.Subject != string(zoe.ID) || statement.SubjectName != "" || statement.Detail["events"] == "0" {
		t.Errorf("got %+v, want the operator and the id of the user", statement)
	}
	if got := d.shownLog(); strings.Contains(got, "zoe@") || strings.Contains(got, "Firefox") || !strings.Contains(got, string(zoe.ID)) {
		t.Errorf("got %s, want only the id of the user", got)
	}
	d.advance()
	report := read[tree](t, d.local("POST", "/api/v1/logs/verify", ""), 200)
	if report.get("bad") != nil || report.get("erased") == 0.0 {
		t.Errorf("got %v, want a good log with erased events", report)
	}
	proof := read[tree](t, d.local("GET", "/api/v1/logs/"+event+"/proof", ""), 200)
	if proof.get("event", "salt") != nil || proof.get("event", "erased", "subject_name") == nil {
		t.Errorf("got %v, want the proof of an event without salt", proof)
	}
}

var operatorActor = audit.Actor{Type: audit.TypeOperator, ID: operator.ID, Name: operator.Name}

// zoeData are texts of the user below. Each is too long, or has a character too many, to stand in the random base64 of a hash or a key.
var zoeData = []string{"bazinet", "zoe@", "zoelie", "zoélie"}

// TestErase_LeavesNoPersonalDataInTheStore searches every record, decrypted, after the records with an expiry are gone too.
func TestErase_LeavesNoPersonalDataInTheStore(t *testing.T) {
	d := open(t)
	if err := d.Store.Update(t.Context(), func(tx store.Tx) error {
		return d.Hooks.Change(tx, func(b *webhook.EndpointList) error {
			b.Hooks = []webhook.Endpoint{{ID: "w1", URL: "https://hooks.example/", Events: []string{"*"}}}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	zoe, phone, _ := d.Member("zoe@garage.example", func(u *account.User) { u.FirstName, u.LastName, u.Email = "Zoélie", "Bazinet", "zoelie@home.example" })
	d.SignIn(zoe.Login, authntest.Password, phone)
	if _, err := d.Authn.StartWithPassword(t.Context(), d.From, zoe.Login, "wrong"); err == nil {
		t.Fatal("a wrong password was accepted")
	}
	if _, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: "zoelie@home.example", Message: "Zoélie here"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Authn.RequestPasswordLink(t.Context(), d.From, zoe.Login, nil); err != nil {
		t.Fatal(err)
	}
	dead := mail.Message{Template: "x", To: []string{"old@bazinet.example"}, Recipient: string(zoe.ID), Queued: d.Clock.Now(), Dead: true, Died: d.Clock.Now()}
	onDeadLetter := d.Accounts.OnDeadLetter()
	if err := d.Store.Update(t.Context(), func(tx store.Tx) error {
		if err := onDeadLetter(tx, mail.MessageInfo{ID: "m1", Template: "x", To: dead.To[0], Recipient: dead.Recipient}); err != nil {
			return err
		}
		return d.Outbox.Queue(tx, store.NewTimeID(d.Clock.Now()), dead)
	}); err != nil {
		t.Fatal(err)
	}
	if w := d.local("POST", "/api/v1/users/"+string(zoe.ID)+"/lifecycle/reset_factors", `{"sendEmail":true,"reason":"called Bazinet"}`); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if err := d.Directory.Admin.Tree.Advance(t.Context()); err != nil { // the later events are erased before they have a number
		t.Fatal(err)
	}
	for range 2 {
		if w := d.local("DELETE", "/api/v1/users/"+string(zoe.ID), ""); w.Code != 204 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	if got := d.recordsWith(zoeData...); !slices.Contains(got, "audit/") || !slices.Contains(got, "auditpending/") || !slices.Contains(got, "outbox/") || !slices.Contains(got, "helprequest/") {
		t.Fatalf("got personal data in %v before the erasure", got)
	}
	d.sendToOthers()
	d.erase(zoe.ID, 200)
	d.Clock.Advance(8 * 24 * time.Hour) // before the policy
	none := func([]string) func(store.Tx) error { return func(store.Tx) error { return nil } }
	sweeps := slices.Concat([]store.TableSweep{d.Authn.Sweep(), d.API.Sweep(), d.Approvals.Sweep(), d.Directory.HelpDesk.SweepOld(365*24*time.Hour, none),
		d.Directory.Admin.SweepMail(), d.Log.SweepErasures(d.Clock.Now, 90*24*time.Hour)}, d.Accounts.Sweeps(), d.Sessions.Sweeps(), d.Apps.Sweeps())
	if err := storetest.Sweep(t.Context(), d.Store, sweeps...); err != nil {
		t.Fatal(err)
	}
	if got := d.recordsWith(zoeData...); len(got) != 0 {
		t.Errorf("got personal data in %v", got)
	}
}

// sendToOthers deletes the emails to support: they are sent, or given up without their text.
func (d *apiEnv) sendToOthers() {
	d.T.Helper()
	var items []mail.MessageInfo
	err := d.Store.View(d.T.Context(), func(s store.Snapshot) (err error) {
		items, _, err = d.Outbox.Items(s, mail.List{})
		return err
	})
	for _, m := range items {
		if m.Recipient == "" && err == nil {
			err = d.Store.Update(d.T.Context(), func(tx store.Tx) error { return tx.Delete(store.Outbox.Prefix + m.ID) })
		}
	}
	if err != nil {
		d.T.Fatal(err)
	}
}

// recordsWith returns the prefixes of the tables with a record that contains one of the texts, in any case.
func (d *apiEnv) recordsWith(texts ...string) (prefixes []string) {
	d.T.Helper()
	err := d.Store.View(d.T.Context(), func(s store.Snapshot) error {
		for _, def := range store.TableDefs() {
			if !def.Sealed {
				continue
			}
			found := false
			table := store.NewTable[cbor.RawMessage](d.Ring, def)
			err := table.Scan(s, "", "", 0, func(id string, record cbor.RawMessage) error {
				for _, text := range texts {
					found = found || strings.Contains(strings.ToLower(id+string(record)), text)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if found {
				prefixes = append(prefixes, def.Prefix)
			}
		}
		return nil
	})
	if err != nil {
		d.T.Fatal(err)
	}
	return prefixes
}
