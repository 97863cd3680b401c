package web_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
)

var updatePlays = flag.Bool("update-plays", false, "write the table of docs/social-engineering.md instead of comparing with it")

// play is a script of social engineering: an attacker who has one of password, mailbox and story fools one person, and then a second one.
// A fooled person does all that they are asked to, and all others keep to the rules.
type play struct {
	name   string
	has    string // "password", "mailbox" or "story"
	fooled string // one of scene.fooled
	stops  string // the rule, as the document states it
	first  func(*scene)
	also   string // the second fooled person
	second func(*scene)
}

// fooled returns the players by what the document calls them.
func (s *scene) fooled(name string) *player {
	return map[string]*player{"agent": s.zoe, "manager": s.karim, "colleague": s.paul, "administrator": s.nadia, "SUPER_ADMIN": s.rene, "second SUPER_ADMIN": s.solange}[name]
}

// plays are all plays, in the order of the document.
func plays() []play {
	return slices.Concat(resetPlays(), profilePlays(), accountPlays(), handoverPlays(), programPlays(), pagePlays())
}

// An attacker with one half who fools one person gets no device, session, address or role.
func TestPlays_OneFooledPerson(t *testing.T) {
	t.Parallel()
	if n := len(plays()); n < 40 {
		t.Errorf("got %d plays, want 40", n)
	}
	for _, p := range plays() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, p.has)
			p.first(s)
			s.attacker.tries()
			if got := s.judge(); got != "nothing" {
				t.Errorf("the attacker got: %s", got)
			}
		})
	}
}

// docPlays is the document that lists the plays.
const docPlays = "../docs/social-engineering.md"

// The same plays with a second fooled person end as the document states.
func TestPlays_TwoFooledPeople(t *testing.T) {
	all := plays()
	rows := make([]string, len(all))
	t.Run("plays", func(t *testing.T) {
		for i, p := range all {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				s := openScene(t, p.has)
				p.first(s)
				s.attacker.tries()
				s.began = s.Clock.Now()
				p.second(s)
				s.attacker.tries()
				took, then := s.took(), s.judge()
				if then != "nothing" {
					then = fmt.Sprintf("%s, %s", then, took)
				}
				rows[i] = fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |", p.name, p.has, p.fooled, p.stops, p.also, then, s.notified(s.fooled(p.fooled), s.fooled(p.also)))
			})
		}
	})
	text := readFile(t, docPlays)
	before, rest, found := strings.Cut(text, "|---|---|---|---|---|---|---|\n")
	listed, after, end := strings.Cut(rest, "\n\n")
	if !found || !end {
		t.Fatal("the document has no table")
	}
	if *updatePlays && !t.Failed() {
		listed = strings.Join(rows, "\n")
		text = before + "|---|---|---|---|---|---|---|\n" + listed + "\n\n" + after
		if err := os.WriteFile(docPlays, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(listed, "\n")
	if len(lines) != len(rows) {
		t.Errorf("the document lists %d plays, want %d", len(lines), len(rows))
	}
	for _, row := range rows {
		if row != "" && !slices.Contains(lines, row) {
			t.Errorf("the document lacks this, or differs from the run:\n%s", row)
		}
	}
}

// The judge finds each of the four, if two people or the operator are fooled.
func TestPlays_JudgeFindsWhatTheAttackerGets(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		do   func(s *scene)
		want string
	}{
		"nothing happens": {func(*scene) {}, "nothing"},
		"manager and witness are fooled": {func(s *scene) {
			s.witnessed(s.karim, s.paul)
			s.attacker.tries()
		}, "device, session"},
		"the operator gave a fooled administrator the allowance secrets": {func(s *scene) {
			token := s.byOperator(s.nadia)
			status, body := s.calls(token, "POST", "/api/v1/users/"+string(s.amelie.user.ID)+"/lifecycle/reset_factors", `{"sendEmail":false}`)
			if status != 200 {
				t.Fatalf("got %d %s", status, body)
			}
			s.attacker.links = append(s.attacker.links, fieldIn(body, "url"))
			s.attacker.tries()
		}, "device, session"},
		"the operator writes the address": {func(s *scene) {
			s.Change(s.amelie.user.ID, func(u *account.User) { u.Email = attackersMail })
		}, "address"},
		"the operator writes the number": {func(s *scene) {
			s.Change(s.amelie.user.ID, func(u *account.User) { u.MobilePhone.Number = "+442079460958" })
		}, "address"},
		"the operator gives the attacker a role": {func(s *scene) {
			m := s.invented(s.nadia)
			s.Change(m.user.ID, func(u *account.User) {
				u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk}}
			})
		}, "role"},
		"the attacker has password and phone": {func(s *scene) {
			s.attacker.phones = append(s.attacker.phones, s.amelie.phone)
			s.attacker.tries()
		}, "device, session"},
		"a device and a session that have ended": {func(s *scene) {
			s.attacker.phones = append(s.attacker.phones, s.amelie.phone)
			s.witnessed(s.karim, s.paul)
			s.attacker.tries()
			s.hours(31 * 24)
			s.resets(s.solange)
			s.attacker.phones, s.attacker.browsers, s.attacker.waiting = nil, nil, s.browser(t)
		}, "device, session"},
		"an enrolment that waits": {func(s *scene) {
			s.calls(s.byOperator(s.nadia), "POST", "/api/v1/users/"+string(s.amelie.user.ID)+"/factors", `{"factorType":"token:software:totp","provider":"GOOGLE","profile":{"name":"Mallory"}}`)
		}, "device"},
		"the attacker has the tablet on which she is signed in": {func(s *scene) {
			b := s.attacker.fresh()
			b.signIn(amelie, s.amelie.phone)
		}, "session"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, "password")
			x.do(s)
			if got := s.judge(); got != x.want {
				t.Errorf("got %s, want %s", got, x.want)
			}
		})
	}
}

// fieldIn returns a text member of a JSON object.
func fieldIn(body, name string) string {
	_, rest, _ := strings.Cut(body, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
