package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/secret"
)

// consoleRoutes returns the routes of the console.
func consoleRoutes(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range allPatterns(t) {
		if _, path, _ := strings.Cut(pattern, " "); path == "/console" || strings.HasPrefix(path, "/console/") {
			all = append(all, pattern)
		}
	}
	if len(all) < 9 {
		t.Fatalf("got %d routes of the console", len(all))
	}
	return all
}

// shown is what an administrator sees of an answer: its status, where it leads, and its page without what differs each time.
func shown(p page, ids *strings.Replacer) string {
	body := regexp.MustCompile(`name="once" value="[^"]*"`).ReplaceAllString(p.body, "")
	return ids.Replace(p.Status + " " + p.next() + "\n" + body)
}

// steady keeps the step-up of an administrator fresh over many requests, and the budgets free.
func (a *proving) steady() {
	a.t.Helper()
	a.place.Clock.Advance(time.Second)
	if info, err := a.place.Sessions.Authenticate(a.t.Context(), secret.From(a.cookie("__Host-barillet"))); err != nil || !a.place.Clock.Now().Add(time.Minute).Before(info.StepUpUntil) {
		a.proves("/account")
	}
}

// A manager calls every route of the console with an id, once with one outside the scope and once with an unknown one. The
// answers are the same.
func TestConsole_ObjectsOutsideTheScopeLookUnknown(t *testing.T) {
	p, _ := appPlace(t, nil)
	north, south := p.CreateGroup("Garage du Nord"), p.CreateGroup("Garage du Sud")
	const role = "raaaaaaaaaaaaaaaaaaaaaaaaaa"
	outside := map[string]account.User{}
	for name, change := range map[string]func(u *account.User){
		"of another garage": func(u *account.User) { u.Groups = []account.GroupID{south} },
		"of two garages":    func(u *account.User) { u.Groups = []account.GroupID{north, south} },
		"of no garage":      func(*account.User) {},
		"with a role": func(u *account.User) {
			u.Groups, u.Roles = []account.GroupID{north}, []account.RoleAssignment{{ID: role, Role: account.RoleHelpDesk, Groups: []account.GroupID{south}}}
		},
	} {
		outside[name], _, _ = p.Member(strings.ReplaceAll(name, " ", "-")+"@garage.example", change)
	}
	if _, err := p.Directory.HelpDesk.Submit(t.Context(), p.From, helpdesk.Submission{Email: "of-another-garage@garage.example", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	requests, _, err := p.Directory.HelpDesk.Requests(t.Context(), authntest.AsOperator, helpdesk.RequestQuery{})
	if err != nil || len(requests) != 1 {
		t.Fatalf("got %d help requests: %v", len(requests), err)
	}
	routes := consoleRoutes(t)
	calls := 0
	for _, r := range []account.Role{account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly, account.RoleSuperAdmin} {
		_, manager := p.administrator(t, "manager-"+strings.ToLower(string(r))+"@garage.example", r, north)
		for name, u := range outside {
			there := []string{"{id}", string(u.ID), "{uid}", string(u.ID), "{gid}", string(south), "{hid}", requests[0].ID, "{fid}", string(u.Devices[0].ID), "{rid}", role}
			const nobody = "ubbbbbbbbbbbbbbbbbbbbbbbbbb"
			nowhere := []string{"{id}", nobody, "{uid}", nobody, "{gid}", "gbbbbbbbbbbbbbbbbbbbbbbbbbb", "{hid}", "20260302T080000.000000000Z-bbbbbbbbbbbbbbbb",
				"{fid}", "fbbbbbbbbbbbbbbbbbbbbbbbbbb", "{rid}", "rbbbbbbbbbbbbbbbbbbbbbbbbbb"}
			for _, pattern := range routes {
				method, path, _ := strings.Cut(pattern, " ")
				if !strings.Contains(path, "{") {
					continue
				}
				ask := func(ids []string) string {
					manager.steady()
					at := strings.NewReplacer(append(slices.Clone(ids), "{tid}", "bbbbbbbbbbbbbbbbbbbb", "{wid}", "wbb", "{cid}", "cbb", "{aid}", "abb", "{eid}", "ebb", "{mid}", "mbb")...).Replace(path)
					back := make([]string, 0, len(ids))
					for i := 0; i < len(ids); i += 2 {
						back = append(back, ids[i+1], ids[i])
					}
					if method == http.MethodPost {
						return shown(manager.post(at, "reason", "asked by phone"), strings.NewReplacer(back...))
					}
					return shown(manager.get(at), strings.NewReplacer(back...))
				}
				a, b := ask(there), ask(nowhere)
				if calls++; a != b || strings.HasPrefix(a, "200") {
					t.Errorf("%s, %s, %s:\n%.300s\nnowhere:\n%.300s", r, name, pattern, a, b)
				}
			}
		}
	}
	if calls < 50 {
		t.Errorf("got %d pairs of calls, want every route", calls)
	}
}

// needs lists the lowest role for each word in the access column of docs/http.md, section "Console".
var consoleAccess = map[string]account.Role{
	"read": account.RoleReadOnly, "help": account.RoleHelpDesk, "vouch": account.RoleHelpDesk, "assist": account.RoleHelpDesk, "invite": account.RoleHelpDesk, "reset": account.RoleHelpDesk,
	"approve": account.RoleHelpDesk, "manage": account.RoleUserAdmin, "roles": account.RoleUserAdmin, "tokens": account.RoleUserAdmin,
	"configuration": account.RoleSuperAdmin,
}

// Each route of the console admits the roles that docs/http.md states, after the proof that it states.
func TestConsole_RolesLimitTheRoutes(t *testing.T) {
	section := regexp.MustCompile(`(?s)\n## Console\n(.*?)\n## `).FindStringSubmatch(readFile(t, "../docs/http.md"))
	if section == nil {
		t.Fatal("docs/http.md has no section Console")
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]*)` \\| ([A-Z, ]+) \\| ([^|]*) \\|").FindAllStringSubmatch(section[1], -1)
	p, _ := appPlace(t, nil)
	north, made := p.CreateGroup("Garage du Nord"), 0
	for _, c := range []struct {
		role   account.Role
		groups []account.GroupID
	}{{account.RoleReadOnly, nil}, {account.RoleHelpDesk, nil}, {account.RoleUserAdmin, nil}, {account.RoleSuperAdmin, nil}, {account.RoleHelpDesk, []account.GroupID{north}}, {account.RoleUserAdmin, []account.GroupID{north}}} {
		login := strings.ToLower(string(c.role)) + "-" + string(rune('a'+len(c.groups))) + "@garage.example"
		_, admin := p.administrator(t, login, c.role, c.groups...)
		p.Clock.Advance(10 * time.Minute) // the sign-in is no proof, and a step-up has ended
		for _, row := range rows {
			words := strings.FieldsFunc(row[3], func(r rune) bool { return r == ' ' || r == ',' })
			need, known := consoleAccess[words[0]]
			if !known {
				t.Errorf("%s: %q is no word of the access column", row[1], words[0])
				continue
			}
			made++
			member, _, _ := p.Member(fmt.Sprintf("m%d@garage.example", made), func(u *account.User) { u.Groups = []account.GroupID{north} })
			at := strings.NewReplacer("{id}", string(member.ID), "{uid}", string(member.ID), "{gid}", string(north), "{fid}", string(member.Devices[0].ID)).Replace(row[1])
			if strings.Contains(at, "{") || !strings.Contains(row[2], "GET") {
				continue // objects, and forms without a page, with tests of their own
			}
			p.Clock.Advance(time.Second)
			got := admin.get(at)
			refused := c.role.Rank() < need.Rank() || slices.Contains(words, "unscoped") && c.groups != nil
			switch proof := strings.HasPrefix(got.next(), "/account/prove"); {
			case refused && got.StatusCode != http.StatusForbidden:
				t.Errorf("%s %v on %s: got %d to %q, want 403", c.role, c.groups, row[1], got.StatusCode, got.next())
			case !refused && slices.Contains(words, "proof") != proof:
				t.Errorf("%s %v on %s: got %d to %q, want a proof: %t", c.role, c.groups, row[1], got.StatusCode, got.next(), !proof)
			case !refused && !proof && got.StatusCode >= 400 && got.StatusCode != http.StatusConflict:
				t.Errorf("%s %v on %s: got %d, want the page", c.role, c.groups, row[1], got.StatusCode)
			}
		}
	}
}
