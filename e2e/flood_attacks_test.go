package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Clients that are not signed in cause refused requests of many kinds, in the name of many users, while the webhook works.
func TestAttack_RefusalsDisplaceASecurityEvent(t *testing.T) {
	b := besiege(t, "")
	thief := b.visitor(t)
	b.victim.give(thief)
	var found bool
	for range 3 {
		sent, _ := b.flood(t, 4, func(worker, n int) bool {
			v := &Visitor{Address: fmt.Sprintf("10.%d.%d.9", 100+worker, n%250), base: b.URL, client: thief.client, tb: t}
			switch n % 5 {
			case 0:
				return v.try("/login", "identifier", person(n%60), "password", "pas le bon mot de passe")
			case 1:
				return v.try("/login/factor", "code", "no code")
			case 2:
				return v.try(fmt.Sprintf("/oauth2/v1/authorize?client_id=unknown%d&redirect_uri=https://evil.example", n))
			case 3:
				return v.try("/ticket/"+strings.Repeat("x", 43), "identifier", b.victim.Login, "password", "pas le bon mot de passe")
			}
			return v.try("/forgot", "identifier", person(n%60))
		})
		found = found || sent > 100
		b.Clock.Advance(10 * time.Minute) // refusals that were joined become events
	}
	if !found {
		t.Error("there was no flood: nothing is proven")
	}
	b.holds(t)
}

// A client sends help requests in the name of a victim, from one address and from many.
func TestAttack_TextsInAVictimsNameHideTheVictims(t *testing.T) {
	b := besiege(t, "")
	forge := func(address func(n int) string) {
		for n := range 13 {
			v := b.visitor(t)
			v.Address = address(n)
			v.Post("/help/request", "email", b.victim.Login, "topic", "cannot_log_in", "message", strings.Repeat("Tout va bien, ne faites rien. ", 130))
		}
	}
	one := func(int) string { return "10.66.0.7" }
	many := func(n int) string { return fmt.Sprintf("10.67.%d.7", n) }
	forge(one)
	forge(many)
	b.asks(t)
	forge(one)
	forge(many)
	b.holds(t)
}

// The owner of a /48 uses a new address for each request. None of the three kinds of records that such a client can store fills
// the disk.
func TestAttack_AddressesOfANetworkFillTheDisk(t *testing.T) {
	b := besiege(t, "")
	app := b.application(t, "http://127.0.0.1:9", map[string]any{"token_endpoint_auth_method": "none"})
	client := b.Visitor(t).client
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, flood := range []struct {
		name string
		send func(v *Visitor, worker, n int) (Sheet, error)
	}{
		{"authorization requests", func(v *Visitor, _, _ int) (Sheet, error) {
			return v.Try("/oauth2/v1/authorize?" + longRequest(app).Encode())
		}},
		{"pushed requests", func(v *Visitor, _, _ int) (Sheet, error) {
			fields := []string{"", ""}
			for n := range 7 {
				fields = append(fields, fmt.Sprint("filling", n), strings.Repeat("x", 4000))
			}
			for name, values := range longRequest(app) {
				fields = append(fields, name, values[0])
			}
			return v.Try("/oauth2/v1/par", fields...)
		}},
		{"help requests", func(v *Visitor, worker, n int) (Sheet, error) {
			return v.Try("/help/request", "email", fmt.Sprintf("inconnu%d.%d@garage.example", worker, n), "topic", "phone_lost", "message", strings.Repeat("é", 4000))
		}},
	} {
		var stored atomic.Int64
		b.begins()
		b.flood(t, 4, func(worker, n int) bool {
			v := &Visitor{Address: fmt.Sprintf("2001:db8:1:%x::%x", n*4+worker, n+1), base: b.URL, client: client, tb: t}
			page, err := flood.send(v, worker, n)
			if err == nil && page.Status < http.StatusBadRequest {
				stored.Add(1)
			}
			return err == nil && (page.Status == http.StatusTooManyRequests || page.Status == http.StatusServiceUnavailable)
		})
		t.Logf("%s: %d stored, %d bytes", flood.name, stored.Load(), b.used()-b.disk)
		if stored.Load() < 10 {
			t.Errorf("%s: got %d stored: nothing is proven", flood.name, stored.Load())
		}
		b.holds(t)
	}
	mails := 0
	for _, mail := range b.Mail.All() {
		if slices.Contains(mail.To, support) {
			mails++
		}
	}
	if mails > 61 {
		t.Errorf("support got %d emails, want 61 at most", mails)
	}
}

// longRequest is an authorization request of an application with the longest state.
func longRequest(app registered) url.Values {
	return url.Values{"client_id": {app.ID}, "redirect_uri": {"http://127.0.0.1:9/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {strings.Repeat("s", 2048)}, "code_challenge_method": {"S256"}, "code_challenge": {strings.Repeat("c", 43)}}
}

// processorTime returns the time that the program has used the processor.
func (p *Program) processorTime() time.Duration {
	p.tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		p.tb.Fatal(err)
	}
	// Fields 14 and 15 are in ticks of 10 ms (proc(5)). The name in field 2 can contain blanks.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			p.tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// A token that is limited to no groups reads the log, as often as it may.
func TestAttack_TokenWithoutGroupsReadsTheWholeLog(t *testing.T) {
	b := besiege(t, "")
	b.Run("import", crowdOf(t, 4000), "--apply").OK(t)
	b.begins()
	const reads, calls = 10, 200
	events := 0
	for page := "/logs?limit=1000"; page != ""; {
		answer := b.Admin.Call("GET", page, nil).Want(200)
		var part []json.RawMessage
		answer.Into(&part)
		events, page = events+len(part), nextPage(answer)
	}
	if events < 4000 {
		t.Errorf("the log has %d events: nothing is proven", events)
	}
	began := b.processorTime()
	for range reads {
		for page := "/logs?q=nowhere"; page != ""; {
			page = nextPage(b.Admin.Call("GET", page, nil).Want(200))
		}
	}
	whole := (b.processorTime() - began) / reads

	none := b.token("nobody", "READ_ONLY_ADMIN", []string{})
	began = b.processorTime()
	for n := range calls {
		answer := none.Call("GET", "/logs?limit=1", nil).Want(200)
		if string(answer.Body) != "[]\n" || nextPage(answer) != "" {
			t.Fatalf("got %s %v, want no events", answer.Body, answer.Header["Link"])
		}
		if left, err := strconv.Atoi(answer.Header.Get("X-Rate-Limit-Remaining")); err != nil || left < 600-2*(n+1) {
			t.Fatalf("call %d: got %d calls left, want that each counts once", n+1, left)
		}
	}
	each := (b.processorTime() - began) / calls
	t.Logf("the whole log of %d events costs %v, a call %v", events, whole, each)
	if each > whole/10 {
		t.Errorf("a call costs %v, want a small part of %v for the whole log", each, whole)
	}
	b.holds(t)
}

// A user reaches an application by the rule for /, and asks for its stricter page in spellings that back-ends read as /admin.
func TestAttack_SpellingsOfAPathAvoidTheStricterRule(t *testing.T) {
	b := besiege(t, "[forward_auth]\nrules = [\"wiki.localhost:8099\", \"wiki.localhost:8099/admin phishing-resistant\"]\n")
	start := b.asksGate("/page", nil)
	if start == nil || start.StatusCode != http.StatusFound {
		t.Fatalf("got %+v, want the sign-in", start)
	}
	back := b.honest.Get(start.Header.Get("Location")).find(t, `href="http://wiki\.localhost:8099(/\.barillet/return\?code=[^"]+)"`)
	b.Secret("return code", back[strings.LastIndexByte(back, '=')+1:])
	arrived := b.asksGate(back, start.Cookies())
	if !b.entered(arrived) {
		t.Fatalf("got %+v, want the application", arrived)
	}
	for range 40 {
		for _, path := range []string{"/%EF%BC%8Fadmin", "/x/%E2%80%A5/admin", "/admin%20", "/admin.", "/admin%3Fx", "/admin"} {
			if w := b.asksGate(path, arrived.Cookies()); w == nil || w.StatusCode == http.StatusOK || w.Header.Get("Remote-User") != "" {
				t.Fatalf("%s: got %+v, want no access by the rule for /", path, w)
			}
			if w := b.asksGate(path, nil); w == nil || w.StatusCode == http.StatusOK {
				t.Fatalf("%s without a session: got %+v, want no access", path, w)
			}
		}
	}
	if w := b.asksGate("/page", arrived.Cookies()); w == nil || w.StatusCode != http.StatusOK {
		t.Errorf("/page: got %+v, want the application", w)
	}
	b.holds(t)
}

// Programs and a user who is signed in ask for what the present state refuses, from eight connections.
func TestAttack_RefusedUpdatesKeepOthersFromTheWriter(t *testing.T) {
	b := besiege(t, "")
	insider := b.Member(t, "lea@garage.example")
	var tokens []*API
	for n := range 7 {
		tokens = append(tokens, b.token(fmt.Sprintf("script %d", n), "SUPER_ADMIN", nil))
	}
	id := b.id(b.honest.Login)
	b.begins()
	done := make(chan struct{})
	go func() {
		defer close(done)
		sent, limited := b.flood(t, 8, func(worker, n int) bool {
			if worker == 7 {
				return insider.try("/account/devices/none/remove", "", "")
			}
			path := []string{"/lifecycle/unsuspend", "/lifecycle/reactivate", "/lifecycle/activate"}[n%3]
			answer := tokens[worker].tries("POST", "/users/"+id+path, "", "")
			if answer != nil && answer.Status < 400 {
				t.Errorf("%s: got %d, want a refusal", path, answer.Status)
			}
			return answer != nil && answer.Status == http.StatusTooManyRequests
		})
		if sent-limited < 200 {
			t.Errorf("got %d requests, of which %d were limited: nothing is proven", sent, limited)
		}
	}()
	for n := 0; ; n++ {
		began := time.Now()
		b.garage(fmt.Sprintf("Garage %d", n))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a new group took %v", took)
		}
		b.signsIn(t)
		select {
		case <-done:
			b.holds(t)
			return
		default:
		}
	}
}

// A help desk sends password links to a user, as fast as it can.
func TestAttack_HelpDeskFillsAMailbox(t *testing.T) {
	b := besiege(t, "")
	desk := b.token("help desk", "HELP_DESK_ADMIN", nil)
	mailed := 0
	for range 120 {
		answer := desk.Call("POST", "/users/"+b.victim.Login+"/lifecycle/reset_password", nil)
		switch answer.Status {
		case http.StatusOK:
			mailed++
		case http.StatusTooManyRequests:
		default:
			t.Fatalf("got %d %s", answer.Status, answer.Body)
		}
	}
	if mailed != 5 {
		t.Errorf("got %d calls that send an email, want 5", mailed)
	}
	const subject = "choisir un nouveau mot de passe"
	for range 5 {
		b.Mail.Wait(b.victim.Login, subject)
	}
	b.holds(t)
	desk.Call("POST", "/users/"+b.victim.Login+"/lifecycle/reset_factors", `{"reason":"Téléphone volé."}`).Want(200)
	b.ticket(b.victim.Login) // a reset is not limited
	got := 0
	for _, mail := range b.Mail.All() {
		if strings.Contains(mail.Subject, subject) {
			got++
		}
	}
	if got != 5 {
		t.Errorf("got %d emails, want 5", got)
	}
}
