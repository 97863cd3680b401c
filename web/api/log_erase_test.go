package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/internal/audit"
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
