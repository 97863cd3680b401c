package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/audit"
	"barillet/internal/notice"
	"barillet/store/storetest"
)

const boss = "root@garage.example"

// garages returns a service with two garages, a member of each, and their ids.
func garages(t *testing.T) (p *place, nord, sud account.GroupID, inNord, inSud account.User) {
	t.Helper()
	p = open(t, nil)
	nord, sud = p.CreateGroup("Garage du Nord"), p.CreateGroup("Garage du Sud")
	inNord, _, _ = p.Member("amelie@nord.example", func(u *account.User) {
		u.FirstName, u.LastName, u.Groups = "Amélie", "Durand", []account.GroupID{nord}
	})
	inSud, _, _ = p.Member("bruno@sud.example", func(u *account.User) {
		u.FirstName, u.LastName, u.Groups = "Bruno", "Durand", []account.GroupID{sud}
	})
	return p, nord, sud, inNord, inSud
}

// lists fails unless a list shows these names and not the others.
func (b *browser) lists(path string, names []string, others ...string) page {
	b.t.Helper()
	got := b.shows(path)
	_, rows, _ := strings.Cut(got.body, `id="people"`)
	for _, n := range names {
		if !strings.Contains(rows, n) {
			b.t.Errorf("%s does not show %s", path, n)
		}
	}
	for _, n := range others {
		if strings.Contains(rows, n) {
			b.t.Errorf("%s shows %s", path, n)
		}
	}
	return got
}

func TestPeople_FindsByTheStartOfEachWordAndByFilters(t *testing.T) {
	p, nord, _, _, _ := garages(t)
	p.CreateUser("karim@nord.example", func(u *account.User) { u.FirstName, u.LastName, u.Groups = "Karim", "Benali", []account.GroupID{nord} })
	b, _ := p.administrator(t, boss, account.RoleSuperAdmin)
	amelie, bruno, karim := "Amélie Durand", "Bruno Durand", "Karim Benali"
	b.lists("/console/people", []string{amelie, bruno, karim, boss})
	b.lists("/console/people?q=AMELIE", []string{amelie}, bruno, karim)
	b.lists("/console/people?q=dur", []string{amelie, bruno}, karim)
	b.lists("/console/people?q=durand+amelie", []string{amelie}, bruno)
	b.lists("/console/people?q=sud.ex", []string{bruno}, amelie)
	b.lists("/console/people?group="+string(nord), []string{amelie, karim}, bruno)
	b.lists("/console/people?group=garage+du+sud", []string{bruno}, amelie, karim)
	b.lists("/console/people?group=garage+du", []string{"Garage du Nord", "Garage du Sud"}, amelie, bruno)
	b.lists("/console/people?group=carrosserie", []string{"No garage has this name"}, amelie, bruno)
	b.lists("/console/people?state=STAGED", []string{karim}, amelie, bruno)
	b.lists("/console/people?devices=0", []string{karim}, amelie, bruno)
	b.lists("/console/people?devices=1&q=dur", []string{amelie, bruno}, karim)
	b.lists("/console/people?devices=2", nil, amelie, bruno, karim)
	b.lists("/console/people?role=SUPER_ADMIN", []string{boss}, amelie, bruno)
	b.lists("/console/people?q=zzz", []string{"Nobody matches"}, amelie)
}

// A manager sees the members of the own garages, and learns of nobody else by any list, filter, page or guess.
func TestAttack_ManagerSeesNobodyOutsideByTheConsole(t *testing.T) {
	p, nord, sud, inNord, inSud := garages(t)
	b, admin := p.administrator(t, "manager@nord.example", account.RoleUserAdmin, nord)
	admin.proves("/console/people")
	for _, query := range []string{"", "?q=dur", "?q=bruno", "?state=ACTIVE", "?devices=1", "?role=USER_ADMIN", "?group=" + string(sud), "?group=" + string(nord), "?after=" + string(inNord.ID)} {
		b.lists("/console/people"+query, nil, "Bruno", "manager@nord.example", "Garage du Sud")
	}
	if got := b.shows("/console/people/" + string(inNord.ID)); !strings.Contains(got.body, "Amélie Durand") {
		t.Error("the manager does not see a member")
	}
	known, unknown := b.get("/console/people/"+string(inSud.ID)), b.get("/console/people/u00000000000000000000000000")
	if known.StatusCode != http.StatusNotFound || unknown.StatusCode != http.StatusNotFound || len(known.body) != len(unknown.body) {
		t.Errorf("got %d with %d bytes for a user outside, %d with %d for nobody", known.StatusCode, len(known.body), unknown.StatusCode, len(unknown.body))
	}
	before := p.content(t)
	for _, at := range personActs {
		want := http.StatusNotFound
		if at == "/groups/add" { // no manager may, for any user
			want = http.StatusForbidden
		}
		if got := b.post("/console/people/"+string(inSud.ID)+at, "reason", "x", "method", "photo_document", "garage", string(nord), "email", "x@y.example", "login", "x@y.example"); got.StatusCode != want {
			t.Errorf("%s: got %d to %q, want %d", at, got.StatusCode, got.next(), want)
		}
	}
	if got := b.post("/console/people/"+string(inNord.ID)+"/groups/add", "garage", string(sud), "reason", "x"); got.StatusCode != http.StatusForbidden {
		t.Errorf("adding to a garage outside: got %d, want 403", got.StatusCode)
	}
	if keys := changed(before, p.content(t)); len(keys) > 0 {
		t.Errorf("changed %q", keys)
	}
}

// personActs are the paths of all operations on a user, below their page. A device is "none".
var personActs = []string{"/edit", "/invite", "/reactivate", "/invitation/withdraw", "/suspend", "/unsuspend", "/deactivate", "/delete", "/unlock", "/password_link", "/expire_password", "/end_sessions",
	"/freeze_all", "/devices/none/freeze", "/devices/none/remove", "/reset", "/tickets/send", "/tickets/withdraw", "/groups/add", "/groups/none/remove"}

// proofNeeded are those that need a step-up of the last five minutes, other than the sign-in.
var proofNeeded = []string{"/edit", "/reactivate", "/suspend", "/unsuspend", "/deactivate", "/delete", "/expire_password", "/devices/none/remove", "/reset", "/tickets/send", "/groups/add", "/groups/none/remove"}

func TestPeople_ActsNeedAProofAndARole(t *testing.T) {
	p, _, _, member, _ := garages(t)
	b, _ := p.administrator(t, boss, account.RoleSuperAdmin)
	reader, _ := p.administrator(t, "reader@garage.example", account.RoleReadOnly)
	at := "/console/people/" + string(member.ID)
	before := p.content(t)
	for _, path := range proofNeeded {
		if got := b.get(at + path); !strings.HasPrefix(got.next(), "/account/prove?") {
			t.Errorf("GET %s: got %d to %q, want the proof", path, got.StatusCode, got.next())
		}
	}
	for _, path := range personActs {
		for _, got := range []page{reader.get(at + path), reader.post(at+path, "reason", "x")} {
			if got.StatusCode != http.StatusForbidden && got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s as a reader: got %d to %q", path, got.StatusCode, got.next())
			}
		}
	}
	if keys := changed(before, p.content(t)); len(keys) > 0 {
		t.Errorf("changed %q", keys)
	}
	if got := reader.shows(at); strings.Contains(got.body, at+"/") {
		t.Error("the page shows an operation to a reader")
	}
}

// Each operation acts as the same one of the API does; its event names the administrator and the reason.
func TestPeople_EachActWorksFromThePage(t *testing.T) {
	p, nord, sud, member, _ := garages(t)
	b, admin := p.administrator(t, boss, account.RoleSuperAdmin)
	at := "/console/people/" + string(member.ID)
	admin.proves(at)
	acted := func(event, path, done string, fields ...string) {
		t.Helper()
		n := len(p.Events(event))
		if got := b.shows(at + path); !strings.Contains(got.body, `action="`+at+path) {
			t.Fatalf("%s shows no form", path)
		}
		b.goes(at+"?done="+done, at+path, append(fields, "reason", "asked by the manager", "once", path+done)...)
		all := p.Events(event)
		if len(all) != n+1 || all[len(all)-1].Actor.ID != string(admin.user.ID) || all[len(all)-1].Detail["reason"] != "asked by the manager" && p.reasoned(path) {
			t.Errorf("%s: got %d events %s more, %+v", path, len(all)-n, event, all[len(all)-1])
		}
		if got := b.shows(at + "?done=" + done); !strings.Contains(got.body, `class="notice"`) {
			t.Errorf("%s: no notice", path)
		}
	}
	acted(audit.ProfileUpdated, "/edit", "edit", "firstName", "Amélie", "lastName", "Martin", "login", member.Login, "email", member.Email, "secondEmail", "", "locale", "fr")
	if u := p.User(string(member.ID)); u.LastName != "Martin" || u.Locale != "fr" || u.Login != member.Login {
		t.Errorf("got %s %s", u.LastName, u.Locale)
	}
	number := "+33 6 12 34 56 78"
	if got := b.post(at+"/edit", "firstName", "Amélie", "lastName", "Martin", "login", member.Login, "email", member.Email, "mobilePhone", number, "reason", "asked", "once", "number"); !strings.HasPrefix(got.next(), "/console/approvals/") || p.User(string(member.ID)).MobilePhone.Number != "" {
		t.Errorf("a number by one administrator alone: got %d to %q", got.StatusCode, got.next())
	}
	if _, err := p.Directory.UpdateUser(t.Context(), authntest.AsOperator, p.From, string(member.ID), directory.ProfileChange{MobilePhone: &number}); err != nil {
		t.Fatal(err)
	}
	if got := b.shows(at); !strings.Contains(got.body, "33612345678") || !strings.Contains(got.body, "do not call it") {
		t.Error("the page does not show the new number, or not that it is young")
	}
	acted(audit.GroupMemberAdded, "/groups/add", "join_group", "garage", string(sud))
	acted(audit.GroupMemberRemoved, "/groups/"+string(nord)+"/remove", "leave_group")
	acted(audit.UserUnlocked, "/unlock", "unlock")
	acted(audit.PasswordExpired, "/expire_password", "expire_password")
	acted(audit.PasswordReset, "/password_link", "password_link")
	acted(audit.SessionsCleared, "/end_sessions", "end_sessions", "forget", "yes")
	device := string(p.User(string(member.ID)).Devices[0].ID)
	acted(audit.FactorFrozen, "/devices/"+device+"/freeze", "freeze_device")
	p.Change(member.ID, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
	acted(audit.FactorFrozen, "/freeze_all", "freeze_all")
	acted(audit.FactorRemoved, "/devices/"+device+"/remove", "remove_device")
	acted(audit.UserSuspended, "/suspend", "suspend")
	acted(audit.UserUnsuspended, "/unsuspend", "unsuspend")
	admin.proves(at)
	acted(audit.FactorsReset, "/reset", "reset", "method", "photo_document")
	if got := b.shows(at); !strings.Contains(got.body, "The devices were reset, and none was enrolled yet") {
		t.Error("the page does not show the cool-off")
	}
	acted(audit.TicketIssued, "/tickets/send", "resend_ticket")
	acted(audit.TicketWithdrawn, "/tickets/withdraw", "withdraw_tickets")
	acted(audit.UserDeactivated, "/deactivate", "deactivate")
	acted(audit.UserReactivated, "/reactivate", "reactivate")
	acted(audit.UserDeactivated, "/deactivate", "deactivate")
	b.goes("/console/people?done=delete", at+"/delete", "reason", "left")
	if got := b.get(at); got.StatusCode != http.StatusNotFound {
		t.Errorf("got %d for a deleted user, want 404", got.StatusCode)
	}
}

// reasoned reports whether an operation asks for a reason.
func (p *place) reasoned(path string) bool {
	return path != "/unlock" && path != "/password_link" && path != "/end_sessions"
}

// A form that is sent twice, by a double click or a reload, acts once.
func TestPeople_ResetSentTwiceResetsOnce(t *testing.T) {
	p, _, _, member, _ := garages(t)
	b, admin := p.administrator(t, boss, account.RoleHelpDesk)
	at := "/console/people/" + string(member.ID)
	admin.proves(at)
	if got := b.post(at+"/reset", "reason", "lost"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d without an identity check, want 422", got.StatusCode)
	}
	if got := b.post(at+"/reset", "reason", "lost", "method", "in_person"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Write who saw the person") {
		t.Errorf("got %d without a name, want 422 and the reason", got.StatusCode)
	}
	fields := []string{"reason", "lost", "method", "in_person", "by", "Karim", "once", "ABC"}
	b.goes(at+"?done=reset", at+"/reset", fields...)
	if got := b.post(at+"/reset", fields...); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the second time: got %d, want 303", got.StatusCode)
	}
	if u := p.User(string(member.ID)); u.Resets != 1 || len(u.Tickets) != 1 {
		t.Errorf("got %d resets and %d tickets, want one of each", u.Resets, len(u.Tickets))
	}
}

// To a manager, an address that exists elsewhere is answered like a new one (protocol rule 21).
func TestAttack_InvitationDoesNotRevealAnAddressElsewhere(t *testing.T) {
	p, nord, _, _, inSud := garages(t)
	b, _ := p.administrator(t, "manager@nord.example", account.RoleHelpDesk, nord)
	invite := func(email string) (page, string) {
		got := b.post("/console/people/new", "email", email, "garage", string(nord))
		if got.StatusCode != http.StatusSeeOther || !strings.HasSuffix(got.next(), "?done=invite_new") {
			t.Fatalf("%s: got %d to %q %s", email, got.StatusCode, got.next(), problemIn(got.body))
		}
		return b.shows(got.next()), got.next()
	}
	elsewhere, _ := invite(inSud.Email)
	fresh, _ := invite("zzzzz@sud.example")
	if strings.Contains(elsewhere.body, "Bruno") || strings.Count(elsewhere.body, "<p") != strings.Count(fresh.body, "<p") || strings.Count(elsewhere.body, "<a") != strings.Count(fresh.body, "<a") {
		t.Error("the pages of the two differ")
	}
	if got := b.post("/console/people/new", "email", "other@nord.example"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("without a garage: got %d, want 422", got.StatusCode)
	}
}

// A list is checked first, and invited in parts. The same list again goes on, and invites nobody twice.
func TestImport_ChecksThenInvitesInParts(t *testing.T) {
	p, nord, _, _, _ := garages(t)
	b, _ := p.administrator(t, "manager@nord.example", account.RoleHelpDesk, nord)
	var list strings.Builder
	for i := range 130 {
		fmt.Fprintf(&list, "Nadia N%d <nadia%d@nord.example>\n", i, i)
	}
	list.WriteString("amelie@nord.example\nno address\nnadia0@nord.example\n")
	send := func(do string) page {
		t.Helper()
		got := b.post("/console/people/import", "users", list.String(), "group", string(nord), "do", do)
		if got.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d", do, got.StatusCode)
		}
		return got
	}
	invited := func() int { return len(p.Events(audit.InvitationIssued)) }
	if got := send("check"); invited() != 0 || !strings.Contains(got.body, "Invite 130 people") || !strings.Contains(got.body, "An earlier line has this already") || !strings.Contains(got.body, "This is no email address") {
		t.Errorf("the check invited %d and shows\n%s", invited(), got.body)
	}
	if got := send("invite"); invited() != 100 || !strings.Contains(got.body, `data-continue`) {
		t.Errorf("the first part: got %d invitations, want 100 and more to do", invited())
	}
	if got := send("invite"); invited() != 130 || strings.Contains(got.body, "data-continue") {
		t.Errorf("the second part: got %d invitations, want 130 and an end", invited())
	}
	if got := send("invite"); invited() != 130 || !strings.Contains(got.body, "Nothing is left to invite") {
		t.Errorf("again: got %d invitations, want 130", invited())
	}
	u := p.User("nadia7@nord.example")
	if u.FirstName != "Nadia" || u.LastName != "N7" || len(u.Groups) != 1 || u.Groups[0] != nord {
		t.Errorf("got %+v", u)
	}
	if m := mailed[notice.Invitation](t, p, "nadia7@nord.example"); m.Group != "Garage du Nord" {
		t.Errorf("got %+v", m)
	}
}

func TestImport_ReadsCellsOfASpreadsheet(t *testing.T) {
	p, nord, _, _, _ := garages(t)
	b, _ := p.administrator(t, boss, account.RoleSuperAdmin)
	text := "login\tfirstName\tlastName\tgroups\tprofile.badge\nzoe@nord.example\tZoé\tDa Silva\tgarage du nord\t0042\n"
	if got := b.post("/console/people/import", "users", text, "do", "invite"); got.StatusCode != http.StatusOK {
		t.Fatalf("got %d", got.StatusCode)
	}
	if u := p.User("zoe@nord.example"); u.LastName != "Da Silva" || len(u.Groups) != 1 || u.Groups[0] != nord || string(u.Profile) != `{"badge":"0042"}` {
		t.Errorf("got %+v", u)
	}
	for text, want := range map[string]string{
		"login,role\na@nord.example,SUPER_ADMIN":   "A list gives no roles",
		"login,otpauth\na@nord.example,otpauth://": "Only the operator can import keys",
		"login,firstName\n\"a@nord.example,Zoé":    "A quotation mark is missing",
		" ":                                        "The list is empty",
		strings.Repeat("a@nord.example\n", 2001):   "The list is too long",
	} {
		if got := b.post("/console/people/import", "users", text, "do", "invite"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) {
			t.Errorf("%.20q: got %d, want 422 and %q", text, got.StatusCode, want)
		}
	}
	large := strings.Repeat("x", 70<<10)
	if got := b.post("/console/people/import", "users", large); got.StatusCode == http.StatusRequestEntityTooLarge {
		t.Error("a list of 70 KiB is too large")
	}
	if got := b.post("/console/people/import", "users", large+strings.Repeat("x", 1<<20)); got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for more than 1 MiB, want 413", got.StatusCode)
	}
	if got := b.post("/console/people/new", "email", large); got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for another form of 70 KiB, want 413", got.StatusCode)
	}
}

// The reader of a role sees neither the forms of invitations nor may send them.
func TestAttack_ReaderImportsNobody(t *testing.T) {
	p, _, _, _, _ := garages(t)
	b, _ := p.administrator(t, "reader@garage.example", account.RoleReadOnly)
	for _, got := range []page{b.get("/console/people/import"), b.post("/console/people/import", "users", "x@nord.example", "do", "invite"), b.get("/console/people/new"),
		b.post("/console/people/new", "email", "x@nord.example")} {
		if got.StatusCode != http.StatusForbidden && got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("got %d to %q, want a refusal", got.StatusCode, got.next())
		}
	}
	if n := len(p.Events(audit.UserCreated)); n != 0 {
		t.Errorf("%d users were created", n)
	}
}

// The first page of each list, of many users, reads no more than one page may.
func TestPeople_AFirstPageReadsABoundedNumberOfRecords(t *testing.T) {
	p, nord, _, _, _ := garages(t)
	for i := range 120 {
		p.CreateUser(fmt.Sprintf("user%03d@nord.example", i), func(u *account.User) { u.Groups = []account.GroupID{nord} })
	}
	b, _ := p.administrator(t, boss, account.RoleSuperAdmin)
	b.shows("/console/people")
	counted := storetest.CountReads(p.Accounts.Store, "")
	p.Accounts.Store = counted
	for query, want := range map[string]int64{"": 200, "?q=user": 250, "?q=user00": 100, "?state=STAGED": 250, "?devices=0": 250, "?devices=2": 30, "?role=SUPER_ADMIN": 30, "?group=" + string(nord): 250} {
		counted.Reset()
		b.shows("/console/people" + query)
		if n := counted.Records(); n > want {
			t.Errorf("%q reads %d records, want at most %d", query, n, want)
		}
	}
	got := b.shows("/console/people?state=STAGED")
	_, rest, _ := strings.Cut(got.body, `href="/console/people?after=`)
	cursor, _, _ := strings.Cut(rest, `"`)
	if strings.Count(got.body, "data-row") != 50 || cursor == "" {
		t.Errorf("got %d rows and the cursor %q, want 50 and one", strings.Count(got.body, "data-row"), cursor)
	}
}

// A password of an administrator, a link in the answer and a short code are no fields of the console: what is sent as one is ignored.
func TestAttack_ConsoleTakesNoAllowances(t *testing.T) {
	p, _, _, member, _ := garages(t)
	b, admin := p.administrator(t, boss, account.RoleSuperAdmin)
	at := "/console/people/" + string(member.ID)
	admin.proves(at)
	extra := []string{"sendEmail", "false", "showCode", "true", "password", authntest.Password, "reason", "lost", "method", "photo_document"}
	for _, got := range []page{b.post(at+"/reset", extra...), b.post(at+"/password_link", extra...), b.post("/console/people/new", append(extra, "email", "new@nord.example")...)} {
		if got.StatusCode != http.StatusSeeOther && got.StatusCode != http.StatusConflict {
			t.Errorf("got %d %s", got.StatusCode, problemIn(got.body))
		}
		if strings.Contains(got.body, "/ticket/") || strings.Contains(got.body, "/invite/") {
			t.Error("the answer contains a link")
		}
	}
	ticket := mailed[notice.DevicesReset](t, p, member.Email)
	if got := b.shows(at); strings.Contains(got.body, ticket.Code) || strings.Contains(got.body, ticket.Link) {
		t.Error("the page of the user contains the ticket")
	}
	if u := p.User("new@nord.example"); u.Password.Hash != "" {
		t.Error("an administrator chose a password")
	}
}

// The page of a user leads to the handing over of a code and, without a group scope, to the roles.
func TestPerson_LeadsToHandOverAndRoles(t *testing.T) {
	p, nord, _, inNord, _ := garages(t)
	root, _ := p.administrator(t, boss, account.RoleSuperAdmin)
	manager, chef := p.administrator(t, "chef@nord.example", account.RoleHelpDesk, nord)
	reader, _ := p.administrator(t, "reader@nord.example", account.RoleReadOnly)
	karim := p.CreateUser("karim@nord.example", func(u *account.User) { u.Groups = []account.GroupID{nord} })
	at := func(u account.User) (path, handOver, roles string) {
		return "/console/people/" + string(u.ID), `href="/console/people/` + string(u.ID) + `/hand-over" data-key="h"`, `href="/console/roles/` + string(u.ID) + `" data-key="o"`
	}
	for _, c := range []struct {
		who             *browser
		of              account.User
		handOver, roles bool
	}{{root, inNord, true, true}, {manager, inNord, true, false}, {reader, inNord, false, true}, {root, karim, false, true}, {root, chef.user, false, true}} {
		path, handOver, roles := at(c.of)
		got := c.who.shows(path).body
		if strings.Contains(got, handOver) != c.handOver || strings.Contains(got, roles) != c.roles {
			t.Errorf("%s for %s: the link to the handover is wanted %t, to the roles %t", path, c.of.Login, c.handOver, c.roles)
		}
	}
	_, handOver, _ := at(inNord)
	wantOn(t, "the sentence", root.shows("/console/people/"+string(inNord.ID)), handOver, "The person stands before me")
}
