package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/web/api"
)

// asked is the path of a help request of Zoé, who has lost her phone, and her id.
func (d *apiEnv) asked() (path string, id account.UserID) {
	d.T.Helper()
	u, _, _ := d.lost("zoe@garage.example")
	if _, err := d.Directory.HelpDesk.Submit(d.T.Context(), d.From, helpdesk.Submission{Email: u.Login, Message: "perdu"}); err != nil {
		d.T.Fatal(err)
	}
	list := read[[]tree](d.T, d.local("GET", "/api/v1/help-requests", ""), 200)
	return "/api/v1/help-requests/" + list[0].get("id").(string), u.ID
}

// as sends a request of the principal.
func (d *apiEnv) as(method, path string, op admin.Principal, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.serve(w, r.WithContext(api.WithPrincipal(r.Context(), op)))
	return w
}

func (x tree) history() []any {
	all, _ := x.get("history").([]any)
	return all
}

func TestHelpRequest_NoteIsAddedOnceForAKey(t *testing.T) {
	d := open(t)
	path, _ := d.asked()
	agent := d.token(account.RoleHelpDesk, nil)
	key := []string{"Idempotency-Key", "k1"}
	note := func(body string) tree { return read[tree](t, d.call("POST", path+"/notes", agent, body, key...), 201) }
	first := note(`{"text":"rappelée\nà midi"}`)
	if h := first.history(); len(h) != 1 || tree(h[0].(map[string]any)).get("text") != "rappelée\nà midi" || first.get("status") != "open" {
		t.Errorf("got %v, want the note and nothing else", first)
	}
	if again := note(`{"text":"rappelée\nà midi"}`); len(again.history()) != 1 {
		t.Errorf("got %v, want the first answer", again)
	}
	problem(t, d.call("POST", path+"/notes", agent, `{"text":"autre"}`, key...), 422)
	for _, body := range []string{`{}`, `{"text":" \n"}`, `{"text":"\u200b\u0000"}`, `{"text":7}`, `{"text":"` + strings.Repeat("x", 2001) + `"}`, `{"note":"x"}`} {
		if p := problem(t, d.call("POST", path+"/notes", agent, body), 400); strings.Contains(body, "text") && !strings.Contains(p.Detail, "text") {
			t.Errorf("%.30s: got %q, want the member named", body, p.Detail)
		}
	}
	problem(t, d.call("POST", path+"/notes", d.token(account.RoleReadOnly, nil), `{"text":"x"}`), 403)
	problem(t, d.call("POST", "/api/v1/help-requests/nothing/notes", agent, `{"text":"x"}`), 404)
	if got := read[tree](t, d.call("GET", path, agent, ""), 200); len(got.history()) != 1 {
		t.Errorf("got %v, want one note", got.history())
	}
}

func TestHelpRequest_LargestResponseIsReplayed(t *testing.T) {
	d := open(t)
	path, _ := d.asked()
	agent := d.token(account.RoleHelpDesk, nil)
	long := `{"text":"` + strings.Repeat(`\u2028<é>`, 400) + `"}`
	for {
		w := d.call("POST", path+"/notes", agent, long, "Idempotency-Key", "k1")
		if w.Code == 409 {
			break
		}
		if again := d.call("POST", path+"/notes", agent, long, "Idempotency-Key", "k1"); again.Code != 201 {
			t.Fatalf("a repeat got %d %.200s", again.Code, again.Body)
		}
		d.Clock.Advance(25 * time.Hour) // the key is free again
	}
}

func TestHelpRequest_ConflictNamesTheAssignee(t *testing.T) {
	d := open(t)
	path, id := d.asked()
	mine := read[tree](t, d.local("PATCH", path, `{"assignee":"me"}`), 200)
	if mine.get("status") != "in_progress" || mine.get("assignee") != "operator:0" || mine.get("assigneeName") != "root" {
		t.Errorf("got %v, want it taken", mine)
	}
	boss := d.CreateUser("boss@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk}} })
	agent := admin.Principal{ID: "token:t1", Name: "script", Owner: string(boss.ID), Role: account.RoleHelpDesk}
	p := problem(t, d.as("PATCH", path, agent, `{"assignee":"me"}`), 409)
	if len(p.ErrorCauses) != 1 || p.ErrorCauses[0].ErrorSummary != "assigned to root (operator:0)" || !strings.Contains(p.Detail, "takeOver") {
		t.Errorf("got %+v, want who has it and how to take it over", p)
	}
	over := read[tree](t, d.as("PATCH", path, agent, `{"assignee":"me","takeOver":true}`), 200)
	if over.get("assignee") != string(boss.ID) || over.get("assigneeName") != "boss@garage.example" {
		t.Errorf("got %v, want it taken over", over)
	}
	reset := "/api/v1/users/" + string(id) + "/lifecycle/reset_factors"
	hid := path[strings.LastIndexByte(path, '/')+1:]
	if p := problem(t, d.as("POST", reset, agent, `{"helpRequestId":"`+hid+`"}`), 409); !strings.Contains(p.Detail, "identityCheck") {
		t.Errorf("got %q, want what is missing", p.Detail)
	}
	problem(t, d.as("POST", reset, agent, `{"helpRequestId":"`+hid+`","identityCheck":{"method":"in_person"}}`), 400)
	read[tree](t, d.as("POST", reset, agent, `{"helpRequestId":"`+hid+`","identityCheck":{"method":"in_person","by":"Inès"}}`), 200)
	done := read[tree](t, d.as("GET", path, agent, ""), 200)
	if done.get("status") != "resolved" || done.get("identityCheck", "method") != "in_person" || done.get("identityCheck", "by") != "Inès" || done.get("identityCheck", "at") == nil {
		t.Errorf("got %v, want it resolved and how the identity was checked", done)
	}
}

func TestHelpRequest_ListsRecentChanges(t *testing.T) {
	d := open(t)
	path, id := d.asked()
	d.Clock.Advance(8 * 24 * time.Hour)
	read[tree](t, d.local("POST", "/api/v1/users/"+string(id), `{"profile":{"email":"zoe@new.example"}}`), 200)
	d.Clock.Advance(73 * time.Hour) // before, no ticket is mailed to it
	read[tree](t, d.local("POST", "/api/v1/users/"+string(id)+"/lifecycle/reset_factors", `{"reason":"lost"}`), 200)
	got := read[tree](t, d.call("GET", path, d.token(account.RoleReadOnly, nil), ""), 200)
	changes, _ := got.get("_embedded", "recentChanges").([]any)
	var types []string
	for _, c := range changes {
		types = append(types, tree(c.(map[string]any)).get("eventType").(string))
	}
	if want := "user.account.update_primary_email user.mfa.factor.reset_all"; strings.Join(types, " ") != want {
		t.Errorf("got %v, want %s, and not the enrolment of eight days ago", changes, want)
	}
	if list := read[[]tree](t, d.local("GET", "/api/v1/help-requests", ""), 200); list[0].get("_embedded") != nil {
		t.Errorf("got %v, want a list without it", list[0])
	}
	if _, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: "nobody@else.example", Message: "?"}); err != nil {
		t.Fatal(err)
	}
	list := read[[]tree](t, d.local("GET", "/api/v1/help-requests", ""), 200)
	w := d.local("GET", "/api/v1/help-requests/"+list[1].get("id").(string), "")
	if !strings.Contains(w.Body.String(), `"recentChanges":[]`) {
		t.Errorf("got %s, want no changes of nobody", w.Body)
	}
}
