package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// oktaClients are Okta's own clients, each as it is published.
var oktaClients = []struct {
	name string
	make func(tb testing.TB, base, token string) oktaClient
}{
	{"v2", newOktaV2}, {"v5", newOktaV5}, {"node", newOktaNode},
}

// oktaScript is a client with the token of a SUPER_ADMIN that may see secrets.
type oktaScript struct {
	oktaClient
	second oktaClient // with the token of another administrator
	t      *testing.T
	h      *Env
	name   string
}

// gathered is how many people there are before the clients begin: three pages of 200.
const gathered = 450

// gather makes a gathered of people who were not invited yet.
func (h *Env) gather() {
	h.tb.Helper()
	for from := 0; from < gathered; from += 90 {
		people := make([]map[string]any, 90)
		for i := range people {
			people[i] = map[string]any{"profile": map[string]string{"login": person(from + i), "firstName": "Foule", "lastName": fmt.Sprint(from + i)}}
		}
		h.Admin.Call("POST", "/imports", map[string]any{"users": people}).Want(200)
	}
}

// token makes an API token of a SUPER_ADMIN with the allowance secrets.
func (h *Env) token(name string, more ...string) string {
	h.tb.Helper()
	args := append([]string{"token", "create", "--name", name, "--role", "SUPER_ADMIN", "--allow", "secrets"}, more...)
	return h.Secret("token "+name, h.Run(args...).OK(h.tb))
}

func TestOkta_UnmodifiedClients(t *testing.T) {
	h := Open(t, EnvOptions{})
	h.gather()
	boss := h.Member(t, "chef@garage.example")
	h.Admin.Call("POST", "/users/"+boss.Login+"/roles", map[string]string{"type": "SUPER_ADMIN"}).Want(201)
	for _, c := range oktaClients {
		t.Run(c.name, func(t *testing.T) {
			second := c.make(t, h.URL, h.token("second "+c.name, "--owner", boss.Login))
			s := &oktaScript{c.make(t, h.URL, h.token(c.name)), second, t, h, c.name}
			since := h.Clock.Now().Add(-time.Second)
			s.lists()
			staged, active := s.people()
			s.lifeCycle(staged)
			s.groups(staged)
			s.roles(staged)
			s.phones(active)
			own := s.passwords()
			s.log(own, since)
			s.absent(own)
			s.ends(staged)
		})
	}
}

func (s *oktaScript) login(name string) string { return name + "." + s.name + "@garage.example" }

// ok fails the test for an error.
func (s *oktaScript) ok(what string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

// refused fails the test unless the client reports an error with this status and Okta code.
func (s *oktaScript) refused(what string, err error, status int, code string) {
	s.t.Helper()
	var f *oktaFault
	if !errors.As(err, &f) || f.Status != status || f.Code != code || f.Summary == "" {
		s.t.Errorf("%s: got %v, want %d %s and a summary", what, err, status, code)
	}
}

func (s *oktaScript) same(what string, got, want any) {
	s.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func logins(people []oktaPerson) []string {
	out := make([]string, len(people))
	for i, p := range people {
		out[i] = p.Login
	}
	slices.Sort(out)
	return out
}

func (s *oktaScript) lists() {
	for _, limit := range []int{200, 75} {
		all, err := s.People(oktaQuery{Search: `profile.firstName eq "Foule"`, Limit: limit})
		s.ok("listing everybody", err)
		found := slices.Compact(logins(all))
		if len(found) != gathered || len(all) != gathered || found[0] != person(0) || found[gathered-1] != person(gathered-1) {
			s.t.Fatalf("in pages of %d: got %d people, %d of them different, want %d", limit, len(all), len(found), gathered)
		}
	}
	everybody, err := s.People(oktaQuery{Limit: 200})
	s.ok("listing without a condition", err)
	if len(everybody) < gathered {
		s.t.Errorf("got %d people without a condition, want at least %d", len(everybody), gathered)
	}
	some, err := s.People(oktaQuery{Q: "technicien00", Limit: 4})
	s.ok("q", err)
	s.same("q", len(some), 10)
	some, err = s.People(oktaQuery{Filter: `profile.login eq "` + person(7) + `" and status eq "STAGED"`, Limit: 200})
	s.ok("filter", err)
	s.same("filter", logins(some), []string{person(7)})
	some, err = s.People(oktaQuery{Search: `profile.login sw "technicien44"`, Limit: 200})
	s.ok("search", err)
	s.same("search", len(some), 10)
	_, err = s.People(oktaQuery{Filter: "status resembles", Limit: 200})
	s.refused("a filter that cannot be read", err, 400, "E0000031")
}

// people makes one who waits, and one who was invited and has a password and no phone yet.
func (s *oktaScript) people() (staged, active oktaPerson) {
	staged, err := s.Create(oktaPerson{Login: s.login("staged"), FirstName: "Zoé", Badge: "17"}, "", nil, false)
	s.ok("creating without activating", err)
	s.same("staged", staged.Status+" "+staged.FirstName+" "+staged.Badge, "STAGED Zoé 17")
	if now := s.h.Clock.Now(); staged.Created.Before(now.Add(-time.Minute)) || staged.Created.After(now.Add(time.Minute)) {
		s.t.Errorf("created at %v, want about %v", staged.Created, now)
	}
	active, err = s.Create(oktaPerson{Login: s.login("active"), FirstName: "Ali"}, s.password(), nil, true)
	s.ok("creating and activating", err)
	s.same("active", active.Status, "ACTIVE")
	_, err = s.Create(oktaPerson{Login: s.login("active"), FirstName: "Ali"}, "", nil, false)
	s.refused("an address that is taken", err, 409, "E0000001")

	for _, name := range []string{staged.ID, staged.Login} {
		got, err := s.Person(name)
		s.ok("reading by "+name, err)
		s.same("who is read", got, staged)
	}
	_, err = s.Person("nobody@garage.example")
	s.refused("somebody who is not there", err, 404, "E0000007")
	got, err := s.Rename(staged.ID, "Zoë")
	s.ok("renaming", err)
	s.same("renamed", got.FirstName+" "+got.Login+" "+got.Badge, "Zoë "+staged.Login+" 17")
	return got, active
}

func (s *oktaScript) password() string {
	return s.h.Secret("password by "+s.name, "trois clefs et un "+s.name)
}

// status fails the test unless the person is in this state.
func (s *oktaScript) status(id, want string) {
	s.t.Helper()
	got, err := s.Person(id)
	s.ok("reading", err)
	s.same("state", got.Status, want)
}

func (s *oktaScript) lifeCycle(p oktaPerson) {
	for _, step := range []struct{ act, state string }{
		{"activate", "PROVISIONED"}, {"deactivate", "DEPROVISIONED"}, {"activate", "PROVISIONED"},
	} {
		s.ok(step.act, s.Do(step.act, p.ID))
		s.status(p.ID, step.state)
	}
	s.refused("suspending somebody invited", s.Do("suspend", p.ID), 409, "E0000001")
}

func (s *oktaScript) groups(p oktaPerson) {
	name := "Garage " + s.name
	g, err := s.CreateGroup(name)
	s.ok("creating a group", err)
	names, err := s.GroupNames("Garage " + s.name)
	s.ok("listing groups", err)
	s.same("groups", names, []string{name})
	s.ok("adding a member", s.Member(g, p.ID, true))
	other, err := s.Create(oktaPerson{Login: s.login("member"), FirstName: "Léa"}, "", []string{g}, false)
	s.ok("creating a member", err)
	members, err := s.Members(g, 1)
	s.ok("listing members", err)
	s.same("members", logins(members), []string{other.Login, p.Login})
	names, err = s.GroupsOf(p.ID)
	s.ok("listing groups of a member", err)
	s.same("groups of a member", names, []string{name})
	s.ok("removing a member", s.Member(g, p.ID, false))
	s.ok("removing the other", s.Member(g, other.ID, false))
	members, err = s.Members(g, 200)
	s.ok("listing no members", err)
	s.same("members", len(members), 0)
	s.ok("deleting a group", s.DeleteGroup(g))
	s.refused("a group that is gone", s.DeleteGroup(g), 404, "E0000007")
}

func (s *oktaScript) roles(p oktaPerson) {
	north, err := s.CreateGroup("Nord " + s.name)
	s.ok("creating a group", err)
	south, err := s.CreateGroup("Sud " + s.name)
	s.ok("creating a group", err)
	role, err := s.GiveRole(p.ID, "HELP_DESK_ADMIN")
	s.ok("giving a role", err)
	s.ok("a target", s.Target(p.ID, role, north, true))
	s.ok("a second target", s.Target(p.ID, role, south, true))
	targets, err := s.Targets(p.ID, role)
	s.ok("listing targets", err)
	slices.Sort(targets)
	s.same("targets", targets, []string{"Nord " + s.name, "Sud " + s.name})
	s.ok("taking a target", s.Target(p.ID, role, north, false))
	roles, err := s.Roles(p.ID)
	s.ok("listing roles", err)
	s.same("roles", roles, []string{"HELP_DESK_ADMIN ACTIVE"})
	s.ok("taking a role", s.TakeRole(p.ID, role))
	_, err = s.GiveRole(p.ID, "APP_ADMIN")
	s.refused("a role that there is not", err, 400, "E0000001")
}

// phones enrols an app for two people, as either of Okta's providers, proves and resets it. The owner of the first token
// supplied both passwords, so another administrator enrols (protocol rule 8).
func (s *oktaScript) phones(p oktaPerson) {
	f, phone := s.enrol(s.oktaClient, p, "OKTA")
	state, err := s.Activate(p.ID, f.ID, phone.Next())
	s.ok("activating by the hand that gave the password", err)
	s.same("by one hand", state, "INACTIVE")
	s.ok("resetting", s.Do("reset_factors", p.ID))

	second, err := s.Create(oktaPerson{Login: s.login("second"), FirstName: "Noé"}, s.password(), nil, true)
	s.ok("creating another", err)
	for provider, who := range map[string]oktaPerson{"OKTA": p, "GOOGLE": second} {
		offered, err := s.Catalogue(who.ID)
		s.ok("the catalogue", err)
		if !slices.Contains(offered, oktaFactor{Type: "token:software:totp", Provider: provider, Status: "NOT_SETUP"}) ||
			!slices.Contains(offered, oktaFactor{Type: "webauthn", Provider: "FIDO", Status: "NOT_SETUP"}) {
			s.t.Errorf("got the catalogue %v", offered)
		}
		f, phone := s.enrol(s.second, who, provider)
		_, err = s.second.Activate(who.ID, f.ID, phone.Wrong())
		s.refused("a wrong code", err, 403, "E0000068")
		state, err := s.second.Activate(who.ID, f.ID, phone.Next())
		s.ok("activating", err)
		s.same("activated", state, "ACTIVE")
		_, err = s.Verify(who.ID, f.ID, phone.Code())
		s.refused("a code that was used", err, 403, "E0000082")
		result, err := s.Verify(who.ID, f.ID, phone.Next())
		s.ok("verifying", err)
		s.same("verified", result, "SUCCESS")
		all, err := s.Factors(who.ID)
		s.ok("listing factors", err)
		f.Status, f.Secret = "ACTIVE", ""
		s.same("factors", all, []oktaFactor{f})
	}
	s.ok("resetting", s.Do("reset_factors", second.ID))
	all, err := s.Factors(second.ID)
	s.ok("listing none", err)
	s.same("factors after the reset", len(all), 0)
}

// enrol begins to enrol an app and gives what is scanned.
func (s *oktaScript) enrol(by oktaClient, who oktaPerson, provider string) (oktaFactor, *Phone) {
	s.t.Helper()
	f, err := by.Enrol(who.ID, provider)
	s.ok("enrolling "+provider, err)
	s.same("enrolled", f.Type+" "+f.Provider+" "+f.Status, "token:software:totp "+provider+" PENDING_ACTIVATION")
	return f, &Phone{env: s.h, Secret: s.h.Secret("secret by "+s.name, f.Secret)}
}

// passwords manages the password of a signed-in user with a phone and recovery codes.
func (s *oktaScript) passwords() oktaPerson {
	m := s.h.Member(s.t, s.login("own"))
	p, err := s.Person(m.Login)
	s.ok("reading", err)
	all, err := s.Factors(p.ID)
	s.ok("listing what Okta has no name for", err)
	if len(all) != 2 || all[0].Type != "token:software:totp" || all[0].Status != "ACTIVE" {
		s.t.Errorf("got the factors %v, want a phone and recovery codes", all)
	}
	for _, step := range []struct{ act, state string }{
		{"suspend", "SUSPENDED"}, {"unsuspend", "ACTIVE"}, {"unlock", "ACTIVE"}, {"sessions", "ACTIVE"},
	} {
		s.ok(step.act, s.Do(step.act, p.ID))
		s.status(p.ID, step.state)
	}
	if m.signedIn() {
		s.t.Error("a session is alive after all were ended")
	}
	fresh := s.h.Secret("second password by "+s.name, "cinq tenailles et un "+s.name)
	s.refused("changing with a wrong password", s.ChangePassword(p.ID, "quatre enclumes et un soufflet", fresh), 400, "E0000001")
	s.ok("changing the password", s.ChangePassword(p.ID, m.Password, fresh))
	s.ok("expiring the password", s.Do("expire_password", p.ID))
	s.status(p.ID, "PASSWORD_EXPIRED")
	link, err := s.PasswordLink(p.ID)
	s.ok("resetting the password", err)
	s.h.Secret("password link by "+s.name, token(link))
	if !regexp.MustCompile(`^` + s.h.URL + `/.+/[A-Za-z0-9_-]{22,}$`).MatchString(link) {
		s.t.Errorf("got the link %q", link)
	}
	s.status(p.ID, "RECOVERY")
	temporary, err := s.TemporaryPassword(p.ID)
	s.ok("a temporary password", err)
	switch {
	case s.name == "node": // it reads the answer as a person, and passes over what the call is for
		s.same("a temporary password", temporary, "")
	case len(s.h.Secret("temporary password by "+s.name, temporary)) < 12:
		s.t.Errorf("got a temporary password of %d characters", len(temporary))
	}
	s.status(p.ID, "PASSWORD_EXPIRED")
	return p
}

// log reads of the same acts, by whom they were about and by who did them, in pages of three.
func (s *oktaScript) log(p oktaPerson, since time.Time) {
	about, err := s.Events(`target.id eq "`+p.ID+`"`, since, 3)
	s.ok("the log of a person", err)
	want := []string{"user.lifecycle.create", "user.mfa.factor.activate", "user.lifecycle.suspend", "user.lifecycle.unsuspend",
		"user.account.unlock_by_admin", "user.session.clear", "user.account.update_password", "user.account.expire_password"}
	types, seen, operator := []string{}, map[string]bool{}, ""
	for i, e := range about {
		types = append(types, e.Type)
		if seen[e.ID] || !slices.Contains(e.Targets, p.ID) || i > 0 && e.At.Before(about[i-1].At) {
			s.t.Errorf("event %d: got %v", i, e)
		}
		seen[e.ID] = true
		if e.Type == "user.lifecycle.suspend" {
			operator = e.Actor
		}
	}
	for _, name := range want {
		if !slices.Contains(types, name) {
			s.t.Errorf("the log of a person has no %s: got %v", name, types)
		}
	}
	by, err := s.Events(`actor.id eq "`+operator+`" and eventType sw "user.lifecycle."`, since, 3)
	s.ok("the log of an operator", err)
	if len(by) < 8 {
		s.t.Errorf("got %d acts on life cycles by %s", len(by), operator)
	}
	for _, e := range by {
		if e.Actor != operator || !strings.HasPrefix(e.Type, "user.lifecycle.") || e.Outcome == "" {
			s.t.Errorf("got %v in the log of an operator", e)
		}
	}
	_, err = s.Events("weather eq", since, 3)
	s.refused("a filter that cannot be read", err, 400, "E0000031")
}

// absent checks that a call of Okta that Barillet does not implement returns 501, not 404.
func (s *oktaScript) absent(p oktaPerson) {
	for name, err := range s.Absent(p.ID, "factor", "group") {
		var f *oktaFault
		if !errors.As(err, &f) || f.Status != http.StatusNotImplemented || f.Code != "E0000008" || !strings.Contains(f.Summary, "not implemented") {
			s.t.Errorf("%s: got %v, want 501 E0000008 that says so", name, err)
		}
	}
}

func (s *oktaScript) ends(p oktaPerson) {
	s.ok("deactivating", s.Do("delete", p.ID))
	s.status(p.ID, "DEPROVISIONED")
	s.ok("deleting", s.Do("delete", p.ID))
	_, err := s.Person(p.ID)
	s.refused("somebody deleted", err, 404, "E0000007")
}
