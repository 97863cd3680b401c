package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
)

// boss signs the manager in, in a browser of their own.
func (c *helpCounter) boss(t *testing.T) *proving {
	t.Helper()
	b := c.browser(t)
	b.signIn(c.manager.Login, c.phones["boss"])
	return &proving{b, c.manager, c.phones["boss"]}
}

// confirms types the digits in the session of the witness.
func (c *helpCounter) confirms(t *testing.T, to, at, digits string) {
	t.Helper()
	c.Clock.Advance(time.Minute)
	c.witness.goes(at, "/account/prove", "code", string(c.phones["paul"].Next()), "next", at)
	c.witness.goes(to, at, "digits", digits)
}

// A phone fell into the pit: the manager, a colleague and the user stand together, and nobody needs a shell.
func TestConsole_HandsACodeOverBeforeAWitness(t *testing.T) {
	c := newHelpCounter(t)
	member := c.User(amelie)
	request := c.asks(t, amelie)
	boss := c.boss(t)
	begin := "/console/people/" + string(member.ID) + "/hand-over"
	boss.goes(request, "/console/requests/next")
	wantOn(t, "the request", boss.shows(request), `href="`+begin+`"`, "The person stands before me")
	if got := boss.get(begin); !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Fatalf("got %d to %q, want the proof first", got.StatusCode, got.next())
	}
	boss.proves(begin)
	young, _, _ := c.Member("karl@garage.example", func(u *account.User) { u.FirstName, u.Groups = "Karl", member.Groups })
	got := boss.shows(begin)
	wantOn(t, "the form", got, `value="`+string(c.paul.ID)+`"`, `value="`+string(young.ID)+`" disabled`, "Karl – ", "newer than 72 hours")
	form := []string{"witness", string(c.paul.ID), "reason", "in the pit", "once", "A"}
	wantOn(t, "no sign-in waits", boss.post(begin, form...), "No sign-in of this person waits")
	digits := c.waits(t)
	wantOn(t, "no witness", boss.post(begin, "witness", "other", "reason", "x"), "Type the login of the witness.")
	wantOn(t, "a new colleague", boss.post(begin, "witness", "other", "other_witness", "karl@garage.example", "reason", "x"), "This person cannot be the witness")
	wantOn(t, "nobody", boss.post(begin, "witness", "other", "other_witness", "nobody@garage.example", "reason", "x"), "This person cannot be the witness")
	at := boss.post(begin, form...).next()
	if !strings.HasPrefix(at, "/console/hand-overs/") {
		t.Fatalf("got %q, want the handover", at)
	}
	at, _, _ = strings.Cut(at, "?")
	id := strings.TrimPrefix(at, "/console/hand-overs/")
	got = boss.shows(at)
	if wantOn(t, "asked", got, "must confirm now", `data-live="2"`); strings.Contains(got.body, digits+"<") || strings.Contains(got.body, at+"/code") {
		t.Error("the page shows the digits, or offers the code before the witness")
	}
	if got := boss.get(begin); got.next() != at {
		t.Errorf("begun already: got %d to %q, want %s", got.StatusCode, got.next(), at)
	}
	if got := boss.post(at + "/code"); got.StatusCode != http.StatusConflict || len(c.User(amelie).Devices) == 0 {
		t.Errorf("the code before the witness: got %d", got.StatusCode)
	}
	c.confirms(t, "/account?done=witness_yes", "/account/witness/"+id, digits)
	wantOn(t, "confirmed", boss.shows(at), "has confirmed", at+"/code", "autofocus")
	boss.proves(at + "/code")
	boss.shows(at + "/code")
	got = boss.post(at+"/code", "once", "B")
	_, rest, found := strings.Cut(got.body, `<p class="handed" translate="no">`)
	code, _, _ := strings.Cut(rest, "<")
	if !found || code == "" || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d, %q, want the code, not cached", got.StatusCode, got.Header.Get("Cache-Control"))
	}
	if strings.Contains(c.log.String(), code) {
		t.Error("the log has the code")
	}
	boss.goes(at+"?again=sent_before", at+"/code", "once", "B")
	if got := boss.get(at + "/code"); got.next() != at {
		t.Errorf("a reload: got %d to %q", got.StatusCode, got.next())
	}
	got = boss.shows(at)
	if wantOn(t, "afterwards", got, "cannot be shown again"); strings.Contains(got.body, code) {
		t.Error("the code is shown twice")
	}
	c.user.goes("/enrol", "/login/together/code", "ticket", strings.ToLower(code))
	e := c.Events(audit.FactorsReset)
	if len(e) != 1 || e[0].Actor.ID != string(c.manager.ID) || e[0].Detail["reason"] != "in the pit" || e[0].Detail["identityBy"] == "" {
		t.Errorf("got %+v, want the manager, the witness and the reason", e)
	}
	wantOn(t, "the request", boss.shows(request), "Resolved", "Checked in person")
}

func TestConsole_HandoverThatEndsShowsNoCode(t *testing.T) {
	c := newHelpCounter(t)
	member := c.User(amelie)
	begin := "/console/people/" + string(member.ID) + "/hand-over"
	digits := c.waits(t)
	boss := c.boss(t)
	start := func() string {
		t.Helper()
		boss.proves(begin)
		at, _, _ := strings.Cut(boss.post(begin, "witness", string(c.paul.ID), "reason", "in the pit").next(), "?")
		return at
	}
	ended := func(what, at string, words ...string) {
		t.Helper()
		got := boss.shows(at)
		if wantOn(t, what, got, append(words, begin)...); strings.Contains(got.body, "data-live") {
			t.Errorf("%s: the page still waits", what)
		}
		boss.proves(at)
		if got := boss.post(at + "/code"); got.StatusCode != http.StatusConflict && got.StatusCode != http.StatusNotFound || len(c.User(amelie).Devices) == 0 {
			t.Errorf("%s: the code got %d", what, got.StatusCode)
		}
	}
	at := start()
	boss.goes(at+"?done=hand_over_cancel", at+"/cancel")
	ended("cancelled", at, "was cancelled")
	at = start()
	witness := "/account/witness/" + strings.TrimPrefix(at, "/console/hand-overs/")
	c.Clock.Advance(time.Minute)
	c.witness.goes(witness, "/account/prove", "code", string(c.phones["paul"].Next()), "next", witness)
	for range 3 {
		c.witness.post(witness, "digits", otherDigits(digits))
	}
	ended("three wrong digits", at, "wrong digits three times")
	// Another administrator of the garage learns nothing of a handover that is not theirs.
	other, _ := c.administrator(t, "zoe@garage.example", account.RoleHelpDesk, member.Groups...)
	root, _ := c.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	for _, b := range []*browser{other, root, c.witness} {
		if got := b.get(at); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusForbidden {
			t.Errorf("another: got %d, want 404", got.StatusCode)
		}
	}
}
