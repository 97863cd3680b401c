package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A garage's manager asks for what lies in another garage and for what is nowhere: status, headers, bytes and time are
// the same (protocol rule 21, promise A12).
func TestScope_OtherGroupLooksAbsent(t *testing.T) {
	h := Open(t, EnvOptions{})
	north, south := h.garage("Garage du Nord"), h.garage("Garage du Sud")
	mine, theirs := h.Member(t, person(0)), h.Member(t, person(1))
	h.Admin.Call("PUT", "/groups/"+north+"/users/"+h.id(mine.Login), nil).Want(204)
	h.Admin.Call("PUT", "/groups/"+south+"/users/"+h.id(theirs.Login), nil).Want(204)
	hid := theirs.asks(h)
	var role, device struct{ ID string }
	var devices []struct{ ID string }
	boss := h.Member(t, person(2))
	h.Admin.Call("POST", "/users/"+boss.Login+"/roles", map[string]any{"type": "HELP_DESK_ADMIN", "targets": []string{south}}).Want(201).Into(&role)
	h.Admin.Call("GET", "/users/"+theirs.Login+"/factors", nil).Want(200).Into(&devices)
	device = devices[0]
	var token struct{ ID string }
	h.Admin.Call("POST", "/api-tokens", map[string]any{"name": "sud", "role": "HELP_DESK_ADMIN", "groups": []string{south}}).Want(201).Into(&token)

	there := strings.NewReplacer("{id}", h.id(theirs.Login), "{boss}", h.id(boss.Login), "{gid}", south, "{hid}", hid, "{fid}", device.ID,
		"{rid}", role.ID, "{tid}", token.ID, "{login}", theirs.Login)
	nowhere := strings.NewReplacer("{id}", "ubbbbbbbbbbbbbbbbbbbbbbbbbb", "{boss}", "ubbbbbbbbbbbbbbbbbbbbbbbbbb", "{gid}", "gbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"{hid}", hid[:strings.LastIndexByte(hid, '-')+1]+"bbbbbbbbbbbbbbbb", "{fid}", device.ID, "{rid}", "rbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"{tid}", "bbbbbbbbbbbbbbbbbbbb", "{login}", "inconnuxxx001@garage.example")
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/users/{id}", ""},
		{"GET", "/users/{login}", ""},
		{"POST", "/users/{id}/lifecycle/reset_factors", `{"reason": "perdu"}`},
		{"GET", "/users/{id}/factors", ""},
		{"DELETE", "/users/{id}/factors/{fid}", ""},
		{"GET", "/users/{id}/groups", ""},
		{"GET", "/groups/{gid}", ""},
		{"GET", "/groups/{gid}/users", ""},
		{"GET", "/help-requests/{hid}", ""},
		{"PATCH", "/help-requests/{hid}", `{"note": "rappelée"}`},
		{"GET", "/users/{boss}/roles/{rid}", ""},
		{"DELETE", "/api-tokens/{tid}", ""},
		{"GET", "/logs?filter=" + url.QueryEscape(`target.id eq "`) + "{id}" + url.QueryEscape(`"`), ""},
		{"GET", "/users?q={login}", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			n := 60
			if torture() {
				n = 290 // a token has 600 calls a minute
			}
			manager := h.API(h.Secret("token of a manager", h.Run("token", "create", "--name", "nord", "--role", "HELP_DESK_ADMIN", "--group", north).OK(t)))
			ask := func(names *strings.Replacer) asked {
				var body any
				if c.body != "" {
					body = c.body
				}
				start := time.Now()
				answer := manager.Call(c.method, names.Replace(c.path), body)
				took := time.Since(start)
				for name := range answer.Header {
					if strings.HasPrefix(name, "X-Rate-Limit-") {
						answer.Header.Del(name)
					}
				}
				// What was asked for stands in the link to the page itself.
				link := strings.NewReplacer(url.QueryEscape(names.Replace("{login}")), "LOGIN", names.Replace("{id}"), "ID")
				for i, text := range answer.Header["Link"] {
					answer.Header["Link"][i] = link.Replace(text)
				}
				return asked{"what was asked for", took, Sheet{Status: answer.Status, Header: answer.Header, Body: errorIDs.ReplaceAllString(string(answer.Body), "ID")}}
			}
			ask(there)
			ask(nowhere) // the connection stands
			var known, unknown []asked
			for range n {
				if rand.IntN(2) == 0 {
					known, unknown = append(known, ask(there)), append(unknown, ask(nowhere))
				} else {
					unknown, known = append(unknown, ask(nowhere)), append(known, ask(there))
				}
			}
			if got := known[0].sheet; got.Status >= 500 || got.Status == http.StatusTooManyRequests || got.Status < 400 && got.Body != "[]\n" {
				t.Errorf("got %d %s, want that there is nothing", got.Status, got.Body)
			}
			same(t, c.path, known, unknown)
			alike(t, c.path, times(known), times(unknown))
		})
	}
	if got := theirs.phones(h); got != 1 || !theirs.signedIn() {
		t.Errorf("got %d phones left: something was done to somebody outside", got)
	}
	manager := h.API(h.Secret("token of a manager", h.Run("token", "create", "--name", "nord", "--role", "HELP_DESK_ADMIN", "--group", north).OK(t)))
	manager.Call("GET", "/users/"+mine.Login, nil).Want(200) // it does see its own
}

// garage makes a group and gives its id.
func (h *Env) garage(name string) string {
	h.tb.Helper()
	var made struct{ ID string }
	h.Admin.Call("POST", "/groups", map[string]any{"profile": map[string]any{"name": name}}).Want(200).Into(&made)
	return made.ID
}

// id is a person's.
func (h *Env) id(login string) string {
	h.tb.Helper()
	var found struct{ ID string }
	h.Admin.Call("GET", "/users/"+login, nil).Want(200).Into(&found)
	return found.ID
}

// phones counts a person's phones.
func (m *Member) phones(h *Env) (n int) {
	m.tb.Helper()
	var devices []struct{ FactorType string }
	h.Admin.Call("GET", "/users/"+m.Login+"/factors", nil).Want(200).Into(&devices)
	for _, d := range devices {
		if d.FactorType == "token:software:totp" {
			n++
		}
	}
	return n
}

// A dismissed manager's token is dead at the next call, also in the middle of a list that it reads page by page.
func TestToken_EndsWithItsOwner(t *testing.T) {
	h := Open(t, EnvOptions{})
	for n := range 4 {
		h.invitation(person(10+n), "")
	}
	for n, end := range []struct {
		name    string
		dismiss func(user string, role string)
		undo    func(user string)
	}{
		{"the role is taken", func(user, role string) { h.Admin.Call("DELETE", user+"/roles/"+role, nil).Want(204) }, nil},
		{"suspended", func(user, _ string) { h.Admin.Call("POST", user+"/lifecycle/suspend", nil).Want(200) },
			func(user string) { h.Admin.Call("POST", user+"/lifecycle/unsuspend", nil).Want(200) }},
		{"deactivated", func(user, _ string) { h.Admin.Call("DELETE", user, nil).Want(204) }, nil},
		{"deleted", func(user, _ string) {
			h.Admin.Call("DELETE", user, nil).Want(204)
			h.Admin.Call("DELETE", user, nil).Want(204)
		}, nil},
	} {
		t.Run(end.name, func(t *testing.T) {
			boss := h.Member(t, person(n))
			user := "/users/" + h.id(boss.Login)
			var role struct{ ID string }
			h.Admin.Call("POST", user+"/roles", map[string]any{"type": "HELP_DESK_ADMIN"}).Want(201).Into(&role)
			api := h.API(h.Secret("token of a person", h.Run("token", "create", "--name", "x", "--role", "HELP_DESK_ADMIN", "--owner", boss.Login).OK(t)))
			page := nextPage(api.Call("GET", "/users?limit=2", nil).Want(200))
			page = nextPage(api.Call("GET", page, nil).Want(200))
			api.Call("GET", page, nil).Want(200)

			end.dismiss(user, role.ID)
			api.Call("GET", page, nil).Want(401)
			api.Call("GET", "/users", nil).Want(401)
			api.keyed("k").Call("POST", "/users/"+person(10)+"/lifecycle/reset_factors", nil).Want(401)
			h.Kill() // and it stays so
			h.Restart()
			api.Call("GET", page, nil).Want(401)
			if end.undo != nil {
				end.undo(user)
				api.Call("GET", page, nil).Want(200)
			}
		})
	}
}
