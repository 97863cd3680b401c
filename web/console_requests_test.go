package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/notice"
	"barillet/store"
	"barillet/store/storetest"
)

// asks sends a help request about an address, and returns the path of its page.
func (p *place) asks(t *testing.T, address string) string {
	t.Helper()
	ref, err := p.Directory.HelpDesk.Submit(t.Context(), p.From, helpdesk.Submission{Email: address, Topic: string(notice.TopicPhoneLost), Message: "It fell into the pit."})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Directory.HelpDesk.Request(t.Context(), authntest.AsOperator, ref)
	if err != nil {
		t.Fatal(err)
	}
	return "/console/requests/" + c.ID
}

func (p *place) request(t *testing.T, path string) helpdesk.Request {
	t.Helper()
	c, err := p.Directory.HelpDesk.Request(t.Context(), authntest.AsOperator, strings.TrimPrefix(path, "/console/requests/"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantOn fails unless a page has all of the words.
func wantOn(t *testing.T, what string, got page, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got.body, w) {
			t.Errorf("%s: the page lacks %q (%d, %s)", what, w, got.StatusCode, problemIn(got.body))
		}
	}
}

func TestConsole_ShowsWhatWaitsOnTheFirstPage(t *testing.T) {
	p := open(t, nil)
	lumiere := p.CreateGroup("Garage Lumiere")
	root, _ := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{lumiere} })
	at := p.asks(t, bruno)
	p.asks(t, "nobody@elsewhere.example")
	p.Clock.Advance(25 * time.Minute)
	got := root.shows("/console")
	wantOn(t, "the first page", got, `<p class="figure">2`, "25 minutes", `<b class="count">2</b>`, "Emails that wait", "<svg", `<rect class="good"`, "/console/people?devices=risk")
	people := root.shows("/console/people?devices=risk")
	if wantOn(t, "the people at risk", people, bruno); strings.Contains(people.body, "nobody@elsewhere.example") {
		t.Error("an address without an account is at risk")
	}
	manager, _ := p.administrator(t, "manager@garage.example", account.RoleHelpDesk, p.CreateGroup("Garage Nord"))
	got = manager.shows("/console")
	wantOn(t, "a manager elsewhere", got, `<p class="figure">0`)
	if strings.Contains(got.body, "Emails that wait") || strings.Contains(got.body, `class="count"`) {
		t.Error("a manager sees the mail queue, or requests of others")
	}
	wantOn(t, "the queue", root.shows("/console/requests"), at, "nobody@elsewhere.example", "Address not known", "Password not proven", "Garage Lumiere", "25 minutes")
}

// An agent works off a request: the next one, what was asked, a check, the reset, and the next one again.
func TestConsole_RequestIsResetAndAnsweredInOneForm(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, func(u *account.User) {
		u.MobilePhone = account.Phone{Number: "+33612345678", Since: p.Clock.Now().Add(-4 * 24 * time.Hour)}
		u.PrimaryPhone = account.Phone{Number: "+33140506070", By: "uboss", Since: p.Clock.Now()}
	})
	at := p.asks(t, bruno)
	b, zoe := p.administrator(t, "zoe@support.example", account.RoleHelpDesk)
	p.EmptyOutbox()
	b.goes(at, "/console/requests/next", "once", "A")
	got := b.shows(at)
	wantOn(t, "the request", got, "You have it", "It fell into the pit.", "A call from the person proves nothing", "Password not proven", `data-key="r"`, `href="tel:&#43;33612345678"`, "&#43;33140506070")
	if i, j := strings.Index(got.body, at+"/reset"), strings.Index(got.body, at+"/answer"); i < 0 || i > j {
		t.Error("a lost phone: want the reset first")
	}
	if got := b.get(at + "/reset"); !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Fatalf("got %d to %q, want the proof first", got.StatusCode, got.next())
	}
	zoe.proves(at + "/reset")
	if got := b.shows(at + "/reset"); strings.Contains(got.body, "33140506070") || !strings.Contains(got.body, `value="mobilePhone"`) {
		t.Error("the form offers a young number, or not the other")
	}
	for name, form := range map[string][]string{
		"This field is empty":  {"by", "Paul", "reason", "lost"},
		"Write who saw":        {"method", "manager_confirmed", "reason", "lost"},
		"Fill it in":           {"method", "called_back"},
		"Choose how you check": {"method", "mail_reply", "reason", "lost"},
	} {
		got := b.post(at+"/reset", form...)
		if wantOn(t, name, got, name); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d", name, got.StatusCode)
		}
	}
	form := []string{"method", "called_back", "reason", "lost in the pit", "answer", "See you tomorrow.", "once", "B"}
	b.goes(at+"?done=request_reset", at+"/reset", form...)
	b.goes(at+"?again=sent_before", at+"/reset", form...)
	if got := mailed[notice.DevicesReset](t, p, bruno); got.Link == "" {
		t.Error("no ticket for the address on file")
	}
	if got := mailed[notice.HelpAnswered](t, p, bruno); got.Answer != "See you tomorrow." {
		t.Errorf("got %+v, want the words of the agent", got)
	}
	e := p.Events(audit.FactorsReset)
	if len(e) != 1 || e[0].Detail["reason"] != "lost in the pit" || e[0].Actor.ID != string(zoe.user.ID) || e[0].Detail["identity"] != "called_back" || e[0].Detail["method"] != "email" {
		t.Errorf("got %+v, want one reset by Zoé", e)
	}
	if u := p.User(string(member.ID)); len(u.Devices) != 0 {
		t.Error("the devices are still there")
	}
	if c := p.request(t, at); c.State != helpdesk.StateResolved || c.Identity != helpdesk.IdentityCalledBack {
		t.Errorf("got %+v, want it resolved", c)
	}
	wantOn(t, "after the reset", b.shows(at), "Resolved", "Called back on the number on file", "See you tomorrow.", "/console/requests/next", "All devices were reset")
	b.goes("/console/requests?done=request_next", "/console/requests/next", "once", "C")
	wantOn(t, "an empty queue", b.shows("/console/requests?done=request_next"), "No request waits.", "No request matches.")
	for _, line := range strings.Split(p.log.String(), "\n") {
		if strings.Contains(line, "pit") {
			t.Errorf("the log has %s", line)
		}
	}
}

func TestConsole_RejectedWordsAreMailedToTheAddressOnFileOnly(t *testing.T) {
	p := open(t, nil)
	p.Member(bruno, nil)
	known, unknown := p.asks(t, bruno), p.asks(t, "nobody@elsewhere.example")
	b, zoe := p.administrator(t, "zoe@support.example", account.RoleHelpDesk)
	p.EmptyOutbox()
	for _, at := range []string{known, unknown} {
		b.goes(at+"?done=request_take", at+"/take")
		wantOn(t, "rejecting", b.shows(at+"/reject"), "Your words go to the address on file")
		b.goes(at+"?done=request_reject", at+"/reject", "words", "Come by with your badge.")
	}
	if got := mailed[notice.HelpAnswered](t, p, bruno); !got.Rejected || got.Answer != "Come by with your badge." {
		t.Errorf("got %+v, want the words", got)
	}
	for _, m := range p.Mails() {
		if m.To == "nobody@elsewhere.example" {
			t.Errorf("an address that nothing proves got %T", m.What)
		}
	}
	wantOn(t, "the unknown address", b.shows(unknown), "Address not known", "Rejected", "Come by with your badge.", "Note")
	if e := p.Events(audit.HelpClosed); len(e) != 2 || e[0].Actor.ID != string(zoe.user.ID) {
		t.Errorf("got %+v, want two events by Zoé", e)
	}
	b.goes(known+"?done=request_reopen", known+"/reopen")
	if c := p.request(t, known); c.State != helpdesk.StateInProgress || c.Assignee != string(zoe.user.ID) {
		t.Errorf("got %s of %q, want it open again", c.State, c.Assignee)
	}
	b.goes(known+"?done=request_note", known+"/note", "note", "rang twice")
	b.goes(known+"?done=request_check", known+"/check", "method", "in_person", "by", "Paul Morel")
	b.goes(known+"?done=request_answer", known+"/answer", "answer", "Use the code of the app.")
	wantOn(t, "the history", b.shows(known), "rang twice", "Checked in person", "Paul Morel", "Use the code of the app.", "Resolved")
	wantOn(t, "the closed ones", b.shows("/console/requests?state=rejected"), unknown)
	wantOn(t, "by its reference", b.shows("/console/requests?q="+p.request(t, known).Reference), known)
	b.goes(known+"?done=request_reopen", known+"/reopen")
	b.goes(known+"?done=request_give_back", known+"/give-back")
	b.goes(known+"?done=request_take", known+"/take")
	b.goes(known+"?done=request_resolve", known+"/resolve")
}

// Two agents press the key of the next request at once: each gets another. One with a stale page changes nothing of the other.
func TestConsole_TwoAgentsNeverAnswerTwice(t *testing.T) {
	p := open(t, nil)
	p.Member(bruno, nil)
	at := p.asks(t, bruno)
	zoe, _ := p.administrator(t, "zoe@support.example", account.RoleHelpDesk)
	ines, proof := p.administrator(t, "ines@support.example", account.RoleHelpDesk)
	var all []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		all = append(all, p.asks(t, name+"@elsewhere.example"))
	}
	got := make([]string, 8)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() { got[i] = []*browser{zoe, ines}[i%2].post("/console/requests/next").next() })
	}
	group.Wait()
	taken := map[string]bool{}
	for _, to := range got {
		if taken[to] || p.request(t, to).State != helpdesk.StateInProgress {
			t.Errorf("%s was given twice, or is not taken", to)
		}
		taken[to] = true
	}
	if len(taken) != len(all)+1 {
		t.Errorf("got %d requests, want all %d", len(taken), len(all)+1)
	}
	if p.request(t, at).Assignee == string(proof.user.ID) { // Zoé has it from here on
		zoe.goes(at+"?done=request_take_over", at+"/take-over")
	}
	wantOn(t, "Inès looks", ines.shows(at), "zoe@support.example", at+"/take-over")
	proof.proves(at)
	for path, form := range map[string][]string{
		"/take": nil, "/answer": {"answer", "x"}, "/reject": {"words", "x"}, "/resolve": nil, "/give-back": nil,
	} {
		got := ines.post(at+path, form...)
		if wantOn(t, path, got, "Another administrator has this request"); got.StatusCode != http.StatusConflict {
			t.Errorf("%s: got %d, want 409", path, got.StatusCode)
		}
	}
	zoe.goes(at+"?done=request_resolve", at+"/resolve")
	for path, form := range map[string][]string{"/reject": {"words", "x"}, "/take": nil, "/reset": {"method", "photo_document", "reason", "x"}, "/take-over": nil} {
		got := ines.post(at+path, form...)
		if wantOn(t, "closed, "+path, got, "The request is closed"); got.StatusCode != http.StatusConflict {
			t.Errorf("closed, %s: got %d, want 409", path, got.StatusCode)
		}
	}
	if n := len(p.Events(audit.HelpClosed)); n != 1 {
		t.Errorf("got %d answers, want one", n)
	}
}

// A manager of another garage learns of a request neither by its page nor by the queue, its filters and its counts.
func TestConsole_RequestOfAnotherGarageDoesNotExist(t *testing.T) {
	p := open(t, nil)
	lumiere, nord := p.CreateGroup("Garage Lumiere"), p.CreateGroup("Garage Nord")
	member, _, _ := p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{lumiere} })
	at, unknown := p.asks(t, bruno), p.asks(t, "nobody@elsewhere.example")
	b, manager := p.administrator(t, "manager@garage.example", account.RoleHelpDesk, nord)
	manager.proves("/console")
	missing := "/console/requests/" + strings.Repeat("9", len(at)-len("/console/requests/"))
	want := b.get(missing)
	for _, path := range []string{at, unknown, "/console/requests/" + p.request(t, at).Reference, at + "/reset", at + "/take", at + "/note"} {
		if got := b.get(path); got.StatusCode != http.StatusNotFound || got.StatusCode != want.StatusCode {
			t.Errorf("%s: got %d to %q, want 404", path, got.StatusCode, got.next())
		}
	}
	for path, form := range map[string][]string{"/take": nil, "/take-over": nil, "/resolve": nil, "/reopen": nil, "/give-back": nil, "/note": {"note", "x"}, "/answer": {"answer", "x"},
		"/reject": {"words", "x"}, "/check": {"method", "called_back"}, "/reset": {"method", "called_back", "reason", "x"}} {
		for _, of := range []string{at, unknown} {
			if got := b.post(of+path, form...); got.StatusCode != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", path, got.StatusCode)
			}
		}
	}
	for _, query := range []string{"", "?state=open", "?mine=yes", "?group=" + string(lumiere), "?group=" + string(nord), "?q=" + p.request(t, at).Reference} {
		got := b.shows("/console/requests" + query)
		if wantOn(t, query, got, "No request matches."); strings.Contains(got.body, "Lumiere") || strings.Contains(got.body, bruno) || strings.Contains(got.body, `class="count"`) {
			t.Errorf("%s: the page tells of another garage", query)
		}
	}
	b.goes("/console/requests?done=request_next", "/console/requests/next")
	if c := p.request(t, at); c.State != helpdesk.StateOpen || len(c.History) != 0 || len(p.User(string(member.ID)).Devices) != 1 {
		t.Errorf("got %+v, want it as it was", c)
	}
	if got := b.get("/console/requests?state=lost"); got.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown state: got %d, want 404", got.StatusCode)
	}
	own, _ := p.administrator(t, "own@garage.example", account.RoleHelpDesk, lumiere)
	got := own.shows("/console/requests?group=" + string(lumiere))
	if wantOn(t, "the manager of the garage", got, at, `<b class="count">1</b>`); strings.Contains(got.body, unknown) {
		t.Error("a manager sees a request about an unknown address")
	}
}

func TestConsole_ReaderActsOnNoRequest(t *testing.T) {
	p := open(t, nil)
	p.Member(bruno, nil)
	at := p.asks(t, bruno)
	b, _ := p.administrator(t, "reader@support.example", account.RoleReadOnly)
	got := b.shows(at)
	if wantOn(t, "the page", got, "It fell into the pit."); strings.Contains(got.body, at+"/") || strings.Contains(got.body, "/console/requests/next") {
		t.Error("the page offers an operation that the role does not allow")
	}
	for _, path := range []string{at + "/take", at + "/reset", "/console/requests/next"} {
		if got := b.get(path); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", path, got.StatusCode)
		}
	}
	if got := b.post(at + "/take"); got.StatusCode != http.StatusForbidden {
		t.Errorf("taking: got %d, want 403", got.StatusCode)
	}
	// One's own request is for others.
	mine, agent := p.administrator(t, "zoe@support.example", account.RoleHelpDesk)
	own := p.asks(t, agent.user.Login)
	if got := mine.shows(own); strings.Contains(got.body, own+"/take") {
		t.Error("an agent is offered their own request")
	}
	wantOn(t, "one's own", mine.post(own+"/take"), "You cannot do this on your own account")
	mine.goes(at, "/console/requests/next")
	mine.goes("/console/requests?done=request_next", "/console/requests/next")
}

// The email to support leads to the request, after the sign-in.
func TestConsole_EmailOfARequestLeadsToIt(t *testing.T) {
	p := open(t, nil)
	p.Accounts.Policy.Support = func() string { return "support@garage.example" }
	p.Member(bruno, nil)
	at := p.asks(t, bruno)
	m := mailed[notice.HelpForSupport](t, p, "support@garage.example")
	link := "/console/requests/" + m.Reference
	visitor := p.browser(t)
	if got := visitor.get(link); got.next() != "/login?next="+strings.ReplaceAll(link, "/", "%2F") {
		t.Errorf("got %d to %q, want the sign-in first", got.StatusCode, got.next())
	}
	b, _ := p.administrator(t, "zoe@support.example", account.RoleHelpDesk)
	if got := b.get(link); got.next() != at {
		t.Errorf("got %d to %q, want %s", got.StatusCode, got.next(), at)
	}
}

// A manager takes the only request of their garage, however many of other garages were sent before it: no page of the queue has it.
func TestRequests_NextIsFoundBehindAQueueOfOtherGarages(t *testing.T) {
	p := open(t, nil)
	lumiere, nord := p.CreateGroup("Garage Lumiere"), p.CreateGroup("Garage du Nord")
	other, _, _ := p.Member("other@garage.example", func(u *account.User) { u.Groups = []account.GroupID{nord} })
	p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{lumiere} })
	manager, _ := p.administrator(t, "manager@garage.example", account.RoleHelpDesk, lumiere)
	queue := store.NewTable[helpdesk.Request](p.Ring, store.HelpRequests)
	const before = 2 * store.PageReads // more than four pages: a request and its user are two records
	for n := 0; n < before; n += store.MaxUpdateKeys {
		err := p.Store.Update(t.Context(), func(tx store.Tx) error {
			for i := n; i < min(before, n+store.MaxUpdateKeys); i++ {
				id := fmt.Sprintf("20260101T080000.%09dZ-x", i)
				if err := queue.Put(tx, "oq-"+id, helpdesk.Request{ID: id, User: other.ID, State: helpdesk.StateOpen}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	at := p.asks(t, bruno)
	counted := storetest.CountReads(p.Accounts.Store, store.HelpRequests.Prefix)
	p.Accounts.Store = counted
	got := manager.shows("/console")
	wantOn(t, "the first page", got, `<b class="count">0 +</b>`, `<p class="figure">0 +`)
	if n := counted.Records(); n > store.PageReads {
		t.Errorf("the first page reads %d records of the queue", n)
	}
	counted.Reset()
	got = manager.shows("/console/requests")
	if n := counted.Records(); n > store.PageReads || !strings.Contains(got.body, `data-key="n"`) {
		t.Errorf("the queue reads %d records, and must have a next page", n)
	}
	if got := manager.post("/console/requests/next"); got.next() != at {
		t.Errorf("got %d to %q, want %s", got.StatusCode, got.next(), at)
	}
	if c := p.request(t, at); c.State != helpdesk.StateInProgress {
		t.Errorf("the request is %s", c.State)
	}
}
