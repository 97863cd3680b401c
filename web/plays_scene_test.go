package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/notice"
	"barillet/web"
	"barillet/web/api"
)

// attackersMail is the mailbox of the attacker.
const attackersMail = "mallory@elsewhere.example"

// scene is a service with the people of a play: Amélie, whose account the attacker wants, and those who can be fooled.
type scene struct {
	*place
	t          *testing.T
	canal, sud account.GroupID
	amelie     *player // a technician of canal, who keeps to the rules
	paul       *player // a colleague of hers
	karim      *player // the manager of canal, USER_ADMIN
	zoe        *player // an agent of support, HELP_DESK_ADMIN
	nadia      *player // an administrator, USER_ADMIN
	rene       *player // SUPER_ADMIN
	solange    *player // SUPER_ADMIN
	auditor    string  // a token of the operator, for the judge and for what is no part of a play
	attacker   attacker
	made       *player // an account that was made for the attacker
	began      time.Time
	before     picture
}

// player is a user of the scene, perhaps with a session.
type player struct {
	scene   *scene
	user    account.User
	phone   *authntest.Phone
	session *proving
}

// openScene opens a scene whose accounts are a month old. The attacker knows what has says: "password", "mailbox" or "story".
func openScene(t *testing.T, has string) *scene {
	t.Helper()
	var served http.Handler
	p := open(t, func(c *web.Config) {
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.ServeHTTP(w, r) })
		c.OIDC = apps(t, c, nil)
		served = api.New(api.Config{Directory: c.Directory, Approvals: c.Console.Approvals, OIDC: c.OIDC, Ring: ringOf(c), PublicURL: c.PublicURL, SignIn: true})
	})
	s := &scene{place: p, t: t, canal: p.CreateGroup("Garage du Canal"), sud: p.CreateGroup("Garage du Sud")}
	s.amelie = s.player(amelie, "", s.canal)
	s.paul = s.player("paul@garage.example", "", s.canal)
	s.karim = s.player("karim@garage.example", account.RoleUserAdmin, s.canal)
	s.zoe = s.player("zoe@support.example", account.RoleHelpDesk)
	s.nadia = s.player("nadia@office.example", account.RoleUserAdmin)
	s.rene = s.player("rene@office.example", account.RoleSuperAdmin)
	s.solange = s.player("solange@office.example", account.RoleSuperAdmin)
	p.Change(s.amelie.user.ID, func(u *account.User) {
		u.FirstName, u.LastName = "Amélie", "Durand"
		u.MobilePhone = account.Phone{Number: "+33612345678", Since: p.Clock.Now()}
	})
	secret, _, err := p.Directory.Admin.CreateToken(t.Context(), authntest.AsOperator, account.RequestInfo{}, admin.NewToken{Name: "judge", Role: account.RoleSuperAdmin, TTL: 365 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.auditor = secret.Reveal()
	p.Clock.Advance(31 * 24 * time.Hour)
	s.amelie.console() // on her known browser
	s.attacker = attacker{scene: s, browser: p.browser(t), reads: map[string]bool{attackersMail: true}, waiting: p.browser(t)}
	switch has {
	case "password":
		s.attacker.passwords = []string{authntest.Password}
	case "mailbox":
		s.attacker.reads[amelie] = true
	}
	p.EmptyOutbox()
	s.began, s.before = p.Clock.Now(), s.picture()
	return s
}

func (s *scene) player(login string, role account.Role, groups ...account.GroupID) *player {
	s.t.Helper()
	u, phone, _ := s.Member(login, func(u *account.User) {
		u.Groups = groups
		if role != "" {
			u.Roles = []account.RoleAssignment{{ID: "r-" + login, Role: role, Groups: groups}}
		}
	})
	return &player{scene: s, user: u, phone: phone}
}

// console returns the session of a player. They sign in again if it has ended.
func (a *player) console() *proving {
	a.scene.t.Helper()
	if a.session == nil {
		a.session = &proving{a.scene.browser(a.scene.t), a.user, a.phone}
	}
	if a.session.get("/account").StatusCode != http.StatusOK {
		a.session.signIn(a.user.Login, a.phone)
	}
	return a.session
}

// posts sends a form of the console, with a step-up and a reason.
func (a *player) posts(path string, fields ...string) page {
	a.scene.t.Helper()
	return a.console().acts(path, fields...)
}

// does performs an operation of the console. It fails unless the operation is accepted.
func (a *player) does(path string, fields ...string) page {
	a.scene.t.Helper()
	got := a.posts(path, fields...)
	if ok := got.StatusCode == http.StatusOK || got.StatusCode == http.StatusSeeOther && strings.HasPrefix(got.next(), "/console"); !ok {
		a.scene.t.Fatalf("%s cannot %s: got %d to %q, %s", a.user.Login, path, got.StatusCode, got.next(), problemIn(got.body))
	}
	return got
}

// cannot requires that the service refuses an operation.
func (a *player) cannot(path string, status int, fields ...string) page {
	a.scene.t.Helper()
	got := a.posts(path, fields...)
	if got.StatusCode != status {
		a.scene.t.Fatalf("%s at %s: got %d to %q, want %d", a.user.Login, path, got.StatusCode, got.next(), status)
	}
	return got
}

// edits asks for another profile of Amélie, whose other fields stay.
func (a *player) edits(fields ...string) page {
	a.scene.t.Helper()
	return a.does(a.scene.victim()+"/edit", a.scene.profile(fields...)...)
}

// profile returns the form of Amélie's profile with some other fields.
func (s *scene) profile(fields ...string) (form []string) {
	s.t.Helper()
	u := s.User(string(s.amelie.user.ID))
	as := u.AsGiven()
	all := map[string]string{"firstName": u.FirstName, "lastName": u.LastName, "mobilePhone": u.MobilePhone.Number, "primaryPhone": u.PrimaryPhone.Number, "locale": u.Locale,
		"login": as.Login, "email": as.Email, "secondEmail": as.SecondEmail}
	for i := 0; i+1 < len(fields); i += 2 {
		all[fields[i]] = fields[i+1]
	}
	for name, value := range all {
		form = append(form, name, value)
	}
	return form
}

// victim returns the path of Amélie's page in the console.
func (s *scene) victim() string { return "/console/people/" + string(s.amelie.user.ID) }

// days lets time pass.
func (s *scene) hours(n int) { s.Clock.Advance(time.Duration(n) * time.Hour) }

var tokenShown = regexp.MustCompile(`brl_[A-Za-z0-9_-]+`)

// token makes an API token in the console, with the rights of the player.
func (a *player) token() string {
	a.scene.t.Helper()
	role, fields := a.user.Roles[0], []string{"name", "script", "days", "30"}
	fields = append(fields, "role", string(role.Role), "where", "all")
	for _, g := range role.Groups {
		fields = append(fields, "own", string(g))
	}
	token := tokenShown.FindString(a.does("/console/tokens/new", fields...).body)
	if token == "" {
		a.scene.t.Fatalf("%s gets no token", a.user.Login)
	}
	return token
}

// calls sends a request to the API, and returns the status and the answer.
func (s *scene) calls(token, method, path, body string) (int, string) {
	s.t.Helper()
	b := s.browser(s.t)
	b.header.Set("Authorization", "SSWS "+token)
	media := ""
	if body != "" {
		media = "application/json"
	}
	got := b.do(method, path, media, body)
	return got.StatusCode, got.body
}

// answers requires a status of the API.
func (s *scene) answers(token, method, path, body string, want int) {
	s.t.Helper()
	if status, got := s.calls(token, method, path, body); status != want {
		s.t.Fatalf("%s %s: got %d %s, want %d", method, path, status, got, want)
	}
}

// reads returns the answer of the API to the judge.
func reads[T any](s *scene, path string) (out T) {
	s.t.Helper()
	status, body := s.calls(s.auditor, http.MethodGet, path, "")
	if status == http.StatusNotFound {
		return out // deleted
	}
	if status != http.StatusOK {
		s.t.Fatalf("GET %s: got %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	return out
}

// newest returns the newest email of a kind to an address.
func newest[M notice.Notice](s *scene, to string) (last M, found bool) {
	for _, m := range s.Mails() {
		if what, ok := m.What.(M); ok && m.To == to {
			last, found = what, true
		}
	}
	return last, found
}

// invented has an administrator invite an account of the attacker, who accepts. It returns the account.
func (s *scene) invented(by *player, fields ...string) *player {
	s.t.Helper()
	by.does("/console/people/new", append([]string{"email", attackersMail, "firstName", "Max", "lastName", "Morel"}, fields...)...)
	m, found := newest[notice.Invitation](s, attackersMail)
	if !found {
		s.t.Fatal("no invitation")
	}
	phone, _ := s.Accept(authntest.LinkToken(m.Link), authntest.Password)
	s.made = &player{scene: s, user: s.User(attackersMail), phone: phone}
	return s.made
}
