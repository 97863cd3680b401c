package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is any JSON object.
type tree map[string]any

// at goes down by names.
func (x tree) at(names ...string) any {
	var at any = map[string]any(x)
	for _, name := range names {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}

// phonesCleared is how many phones a receipt says were removed, as a number of JSON.
func phonesCleared(receipt tree) any {
	all, _ := receipt.at("cleared", "devices").([]any)
	for _, x := range all {
		if d, _ := x.(map[string]any); d["factorType"] == "token:software:totp" {
			return d["count"]
		}
	}
	return nil
}

// without forgets members that are each answer's own.
func (x tree) without(names ...string) tree {
	x = maps.Clone(x)
	for _, name := range names {
		delete(x, name)
	}
	return x
}

// keyed is the caller with an idempotency key in each call.
func (a *API) keyed(key string) *API {
	keyed, client := *a, *a.client
	client.Transport = withKey(key)
	keyed.client = &client
	return &keyed
}

type withKey string

func (key withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Idempotency-Key", string(key))
	return http.DefaultTransport.RoundTrip(r)
}

// resets are the events of the resets of a person.
func (h *Env) resets(login string) []tree {
	h.tb.Helper()
	var user struct{ ID string }
	h.Admin.Call("GET", "/users/"+login, nil).Want(200).Into(&user)
	var events []tree
	h.Admin.Call("GET", "/logs?filter="+url.QueryEscape(`eventType eq "user.mfa.factor.reset_all" and target.id eq "`+user.ID+`"`), nil).Want(200).Into(&events)
	return events
}

const wereReset = "vos appareils ont été réinitialisés"

// messages counts the emails to a recipient with these words in the subject. An email whose delivery was interrupted
// arrives twice with the same Message-ID (promise D5).
func (h *Env) messages(to, words string) int {
	ids := map[string]bool{}
	for _, mail := range h.Mail.All() {
		if slices.Contains(mail.To, to) && strings.Contains(mail.Subject, words) {
			ids[mail.Header.Get("Message-ID")] = true
		}
	}
	return len(ids)
}

// settled waits for the mails that are due, and for one that is queued behind them.
func (h *Env) settled(to []string, words string) {
	h.tb.Helper()
	for _, address := range to {
		for begun := time.Now(); h.messages(address, words) == 0; <-time.After(20 * time.Millisecond) {
			if time.Since(begun) > patience {
				h.tb.Fatalf("no mail to %s with %q in its subject", address, words)
			}
		}
	}
	h.invite(fmt.Sprintf("derniere%d@garage.example", len(h.Mail.All())), "")
}

// asks sends a help request and gives its id.
func (m *Member) asks(h *Env) string {
	m.tb.Helper()
	page := h.Visitor(m.tb).Post("/help/request", "email", m.Login, "topic", "phone_lost", "message", "Mon téléphone est cassé.")
	return h.request(referenceShape.FindString(page.Body)).ID
}

// Whether a script calls, the command while the service runs, or the command while it does not: a reset is the same.
func TestReset_SameResultThroughEachInterface(t *testing.T) {
	h := Open(t, EnvOptions{})
	run := func(m *Member, hid string, more ...string) tree {
		said := h.Run(append([]string{"factors", "reset", m.Login, "--reason", "téléphone perdu", "--help-request", hid, "--identity", "photo_document", "--json"}, more...)...).OK(t)
		var got tree
		if err := json.Unmarshal([]byte(said), &got); err != nil {
			t.Fatalf("reading %s: %v", said, err)
		}
		return got
	}
	doors := []struct {
		name  string
		reset func(m *Member, hid string) tree
	}{
		{"by HTTP", func(m *Member, hid string) (got tree) {
			h.Admin.Call("POST", "/users/"+m.Login+"/lifecycle/reset_factors", map[string]any{"reason": "téléphone perdu", "helpRequestId": hid,
				"identityCheck": map[string]string{"method": "photo_document"}}).Want(200).Into(&got)
			return got
		}},
		{"by the socket", func(m *Member, hid string) tree { return run(m, hid) }},
		{"in the closed folder", func(m *Member, hid string) tree {
			h.Stop()
			defer h.Restart()
			config := h.args[slices.Index(h.args, "--config")+1] // configuration of the service, with the recipients
			return run(m, hid, "--config", config)
		}},
	}
	var receipt, event tree
	for n, door := range doors {
		m := h.Member(t, person(n))
		hid := m.asks(h)
		got := door.reset(m, hid)
		if got["login"] != m.Login || got["userId"] == "" || got["at"] == nil || got.at("ticket", "expiresAt") == nil || got["helpRequestId"] != hid {
			t.Errorf("%s: got %v, want a receipt of %s", door.name, got, m.Login)
		}
		events := h.resets(m.Login)
		if len(events) != 1 {
			t.Fatalf("%s: got %d events, want one", door.name, len(events))
		}
		told := events[0].without("uuid", "published", "actor", "client", "request", "transaction")
		detail, _ := told.at("debugContext", "debugData").(map[string]any)
		if detail["owner"] == "" || detail["helpRequestId"] != hid {
			t.Errorf("%s: got %v, want the owner and the case", door.name, detail)
		}
		told["debugContext"] = tree(detail).without("owner", "helpRequestId")
		targets, _ := told["target"].([]any)
		told["target"] = len(targets)
		got = got.without("userId", "login", "at", "ticket", "helpRequestId")
		if n == 0 {
			receipt, event = got, told
		}
		if !reflect.DeepEqual(got, receipt) {
			t.Errorf("%s: got the receipt\n%v\n%s:\n%v", door.name, got, doors[0].name, receipt)
		}
		if !reflect.DeepEqual(told, event) {
			t.Errorf("%s: got the event\n%v\n%s:\n%v", door.name, told, doors[0].name, event)
		}
		if m.signedIn() {
			t.Errorf("%s: the session outlives the reset", door.name)
		}
	}
	if phonesCleared(receipt) != 1.0 || receipt.at("cleared", "recoveryCodes") != 10.0 || receipt["sessionsEnded"] != 1.0 || receipt["mailed"] != true || receipt["repeated"] != false {
		t.Errorf("got %v, want what was cleared", receipt)
	}
	h.settled([]string{person(0), person(1), person(2)}, wereReset)
	for n, door := range doors {
		if got := h.messages(person(n), wereReset); got != 1 {
			t.Errorf("%s: got %d mails with a ticket, want one", door.name, got)
		}
		if got := h.messages(support, "réinitialisés pour "+person(n)); got != 1 {
			t.Errorf("%s: got %d mails to support, want one", door.name, got)
		}
	}
}

// The repeated call returns the first result, even if the first response was lost (protocol rule 26).
func TestReset_RepeatedKeyResetsOnce(t *testing.T) {
	h := Open(t, EnvOptions{})
	secrets := h.API(h.Secret("token that may see tickets", h.Run("token", "create", "--name", "s", "--role", "SUPER_ADMIN", "--allow", "secrets").OK(t)))
	path := func(m *Member) string { return "/users/" + m.Login + "/lifecycle/reset_factors" }

	shown := h.Member(t, person(0))
	body := map[string]any{"reason": "perdu", "sendEmail": false}
	var first, again tree
	secrets.keyed("k0").Call("POST", path(shown), body).Want(200).Into(&first)
	code, _ := first.at("ticket", "code").(string)
	link, _ := first.at("ticket", "url").(string)
	h.Secret("ticket code", code)
	h.Secret("ticket link", token(link))
	h.Clock.Advance(time.Minute)
	repeat := secrets.keyed("k0").Call("POST", path(shown), body).Want(200).Into(&again)
	for _, secret := range []string{"code", "url"} {
		ticket, _ := first["ticket"].(map[string]any)
		delete(ticket, secret)
	}
	if repeat.Header.Get("Idempotency-Replayed") != "true" || !reflect.DeepEqual(first, again) || strings.Contains(string(repeat.Body), code) {
		t.Errorf("got %v, want %v: the first answer without its secrets", again, first)
	}
	secrets.keyed("k0").Call("POST", path(shown), map[string]any{"reason": "autre"}).Want(422)

	// The response is written, but the client does not read it before the program is killed.
	lost := h.Member(t, person(1))
	unread := h.sendUnread(t, path(lost), "k1")
	for begun := time.Now(); len(h.resets(lost.Login)) == 0; <-time.After(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatal("the reset is never done")
		}
	}
	h.Kill()
	_ = unread.Close()
	h.Restart()
	h.doneOnce(t, path(lost), lost.Login, "k1", true)

	// The power fails at a moment that chance gives: before the act, in it, between act and answer, behind both.
	rounds, done := 5, 0
	if torture() {
		rounds = 100
	}
	for n := range rounds {
		m, key := h.Member(t, person(2+n)), fmt.Sprint("chance", n)
		connection := h.sendUnread(t, path(m), key)
		<-time.After(time.Duration(rand.IntN(4000)) * time.Microsecond)
		h.Kill()
		_ = connection.Close()
		h.Restart()
		before := len(h.resets(m.Login)) == 1
		if before {
			done++
		}
		h.doneOnce(t, path(m), m.Login, key, before)
	}
	t.Logf("%d of %d kills came behind the act", done, rounds)

	var due []string
	for n := range rounds + 1 {
		due = append(due, person(1+n))
	}
	h.settled(due, wereReset)
	if got := h.messages(shown.Login, wereReset); got != 0 {
		t.Errorf("got %d mails with the ticket that was shown", got)
	}
	for _, login := range due {
		if got := h.messages(login, wereReset); got != 1 {
			t.Errorf("%s: got %d mails with a ticket, want one", login, got)
		}
	}
}

// doneOnce asks again with the key, twice, and fails the test unless there is one reset with the one answer.
func (h *Env) doneOnce(t *testing.T, path, login, key string, before bool) {
	t.Helper()
	var one, two tree
	first := h.Admin.keyed(key).Call("POST", path, `{"reason": "charge"}`).Want(200).Into(&one)
	second := h.Admin.keyed(key).Call("POST", path, `{"reason": "charge"}`).Want(200).Into(&two)
	if got := first.Header.Get("Idempotency-Replayed") == "true"; got != before {
		t.Errorf("%s: done before: %v, answered from what was kept: %v", login, before, got)
	}
	if second.Header.Get("Idempotency-Replayed") != "true" || !reflect.DeepEqual(one, two) || one["repeated"] != false || phonesCleared(one) != 1.0 || one["mailed"] != true {
		t.Errorf("%s: got %s and %s, want the first answer", login, first.Body, second.Body)
	}
	if got := len(h.resets(login)); got != 1 {
		t.Errorf("%s: got %d events, want one reset", login, got)
	}
}

// sendUnread sends a reset, does not read the response and returns the connection to close.
func (h *Env) sendUnread(t *testing.T, path, key string) net.Conn {
	t.Helper()
	at, err := url.Parse(h.Admin.Base + path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", at.String(), strings.NewReader(`{"reason": "charge"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "SSWS "+h.Admin.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	w := bufio.NewWriter(c)
	if err := r.Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return c
}
