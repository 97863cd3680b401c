package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/secret"
)

// picture is what the judge compares.
type picture struct {
	gone      bool
	devices   []string
	sessions  []string
	addresses []string
	roles     []string // of every active user
}

// picture reads Amélie's account by the API, and all roles.
func (s *scene) picture() (p picture) {
	s.t.Helper()
	at := "/api/v1/users/" + string(s.amelie.user.ID)
	if status, _ := s.calls(s.auditor, http.MethodGet, at, ""); status == http.StatusNotFound {
		p.gone = true
	}
	type object struct {
		ID      string         `json:"id"`
		Profile map[string]any `json:"profile"`
	}
	for _, d := range reads[[]object](s, at+"/factors") {
		p.devices = append(p.devices, d.ID)
	}
	for _, o := range reads[[]object](s, at+"/sessions") {
		p.sessions = append(p.sessions, o.ID)
	}
	s.addEvents(&p)
	profile := reads[object](s, at).Profile
	for _, name := range []string{"login", "email", "secondEmail", "mobilePhone", "primaryPhone"} {
		p.addresses = append(p.addresses, fmt.Sprint(profile[name]))
	}
	holders, _, err := s.Directory.Admin.RoleHolders(s.t.Context(), authntest.AsOperator, roster.HoldingQuery{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range holders {
		if h.User.Status != account.StatusActive {
			continue
		}
		for _, r := range h.User.Roles {
			p.roles = append(p.roles, fmt.Sprint(h.User.ID, r.Role, r.Groups))
		}
	}
	return p
}

// addEvents adds what the log says of Amélie's account: a device, an enrolment or a session may have ended by now.
func (s *scene) addEvents(p *picture) {
	into := map[string]*[]string{audit.FactorActivated: &p.devices, audit.FactorAdminEnrolled: &p.devices, audit.FactorConfirmed: &p.devices, audit.SecretShown: &p.devices,
		audit.CopyConfirmed: &p.devices, audit.RecoveryCodesMade: &p.devices, audit.RecoveryCodeSpent: &p.sessions, audit.SessionStart: &p.sessions, audit.AppSignIn: &p.sessions}
	for _, e := range s.Events(slices.Collect(maps.Keys(into))...) {
		if e.Subject == string(s.amelie.user.ID) && e.Outcome == audit.Success {
			*into[e.Action] = append(*into[e.Action], e.ID)
		}
	}
}

// own notes that Amélie herself, or someone who keeps to the rules for her, changed her account.
func (s *scene) own() { s.before = s.picture() }

// added returns whether one list has what another lacks.
func added(now, before []string) bool {
	return slices.ContainsFunc(now, func(x string) bool { return !slices.Contains(before, x) })
}

// judge returns what the attacker has of the account: "device", "session", "address" and "role", or "nothing".
func (s *scene) judge() string {
	s.t.Helper()
	now := s.picture()
	var found []string
	if added(now.devices, s.before.devices) || s.attacker.knows(s) {
		found = append(found, "device")
	}
	if !now.gone && added(now.sessions, s.before.sessions) || s.attacker.signedIn() {
		found = append(found, "session")
	}
	if !now.gone && !slices.Equal(now.addresses, s.before.addresses) {
		found = append(found, "address")
	}
	if added(now.roles, s.before.roles) {
		found = append(found, "role")
	}
	if len(found) == 0 {
		return "nothing"
	}
	return strings.Join(found, ", ")
}

// knows reports whether a device of the account has a secret that the attacker knows.
func (a *attacker) knows(s *scene) bool {
	for _, p := range a.phones {
		for _, password := range a.passwords {
			s.Clock.Advance(time.Minute)
			b := s.browser(s.t)
			b.post("/login", "identifier", a.login(), "password", password)
			if b.post("/login/factor", "code", string(p.Next())); b.get("/account").StatusCode == http.StatusOK {
				return true
			}
		}
	}
	return false
}

// signedIn reports whether a browser of the attacker has a session of the account.
func (a *attacker) signedIn() bool {
	return slices.ContainsFunc(append(a.browsers, a.waiting), func(b *browser) bool {
		info, err := a.scene.Sessions.Authenticate(a.scene.t.Context(), secret.From(b.cookie("__Host-barillet")))
		return err == nil && info.User == a.scene.amelie.user.ID
	})
}

// notified returns who of those who keep to the rules got an email since a play began: "user", "managers", "support" and
// "administrators".
func (s *scene) notified(fooled ...*player) string {
	s.t.Helper()
	groups := map[string]string{amelie: "user", "support@garage.example": "support", s.karim.user.Email: "manager"}
	for _, a := range []*player{s.nadia, s.rene, s.solange, s.zoe} {
		groups[a.user.Email] = "administrators"
	}
	for _, f := range fooled {
		if f != nil && f != s.amelie {
			delete(groups, f.user.Email)
		}
	}
	found := map[string]bool{}
	for _, m := range s.Mails() {
		if g := groups[m.To]; g != "" {
			found[g] = true
		}
	}
	if len(found) == 0 {
		return "nobody"
	}
	names := slices.Collect(maps.Keys(found))
	sort.Slice(names, func(i, j int) bool { return strings.Compare(names[j], names[i]) < 0 })
	return strings.Join(names, ", ")
}

// took returns how long a play took, as the document states it.
func (s *scene) took() string {
	switch d := s.Clock.Now().Sub(s.began); {
	case d < 2*time.Hour:
		return "at once"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}

// withRole gives Amélie a role, as the operator did a month ago.
func (s *scene) withRole(role account.Role) {
	s.t.Helper()
	s.Change(s.amelie.user.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(role)} })
	s.own()
}

// byOperator makes a token of the operator's for a user, with the allowance secrets.
func (s *scene) byOperator(owner *player) string {
	s.t.Helper()
	value, _, err := s.Directory.Admin.CreateToken(s.t.Context(), authntest.AsOperator, account.RequestInfo{},
		admin.NewToken{Name: "script", Owner: owner.user.Login, Role: owner.user.Roles[0].Role, Secrets: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return value.Reveal()
}
