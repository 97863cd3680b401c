package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

func TestUsers_CreateAndFind(t *testing.T) {
	d := open(t)
	admin := d.admin()
	gid := d.CreateGroup("Garage Lumière")
	body := `{"profile":{"login":"Zoe@Garage.example","email":"zoe.mail@garage.example","secondEmail":"zoe@home.example","firstName":"Zoé",
		"lastName":"Martin","locale":"fr_CH","department":"Atelier","badges":["a","b"],"nested":{"x":[1,null]}},
		"groupIds":["` + string(gid) + `"],"id":"mine","status":"ACTIVE","created":"2020-01-01T00:00:00.000Z","_links":{"self":{}},
		"credentials":{"provider":{"type":"OKTA","name":"OKTA"}}}`
	made := read[tree](t, d.call("POST", "/api/v1/users?activate=true", admin, body), 200)
	if got := made.get("_embedded", "activation", "mailed"); got != true {
		t.Errorf("invited: got %v, want it mailed", got)
	}
	if made.get("_embedded", "activation", "activationUrl") != nil || made.get("_embedded", "activation", "expiresAt") != "2026-03-03T08:00:00.000Z" {
		t.Errorf("got %v, want no link and an end", made.get("_embedded"))
	}
	mails := d.Mails()
	if len(mails) != 1 || mails[0].To != "zoe.mail@garage.example" {
		t.Fatalf("got mails %v, want the invitation", mails)
	}
	id := made.get("id").(string)
	for _, name := range []string{id, "zoe@garage.example", "ZOE@garage.example", "zoe.mail@garage.example", "zoe@home.example"} {
		got := read[tree](t, d.call("GET", "/api/v1/users/"+name, admin, ""), 200)
		for path, want := range map[string]any{"id": id, "status": "PROVISIONED", "created": "2026-03-02T08:00:00.000Z", "lastLogin": nil, "activated": nil,
			"passwordChanged": nil, "profile login": "Zoe@Garage.example", "profile email": "zoe.mail@garage.example", "profile firstName": "Zoé",
			"profile locale": "fr_CH", "profile department": "Atelier", "credentials provider type": "OKTA",
			"_links self href": "https://login.example/api/v1/users/" + id} {
			if value := got.get(strings.Fields(path)...); value != want {
				t.Errorf("%s: %s: got %v, want %v", name, path, value, want)
			}
		}
		if fmt.Sprint(got.get("profile", "badges"), got.get("profile", "nested", "x"), got.get("groupIds")) != fmt.Sprintf("[a b] [1 <nil>] [%s]", gid) {
			t.Errorf("custom members: got %v", got.get("profile"))
		}
	}
}

func TestUsers_InvalidMembersAreNamed(t *testing.T) {
	d := open(t)
	admin := d.admin()
	d.CreateUser("there@garage.example", nil)
	for _, c := range []struct {
		name, body, says string
		want             int
	}{
		{"no profile", `{}`, "login", 400},
		{"no mail address", `{"profile":{"login":"hunter2"}}`, "email", 400},
		{"a look-alike", `{"profile":{"login":"\u212Aim@garage.example"}}`, "login", 400},
		{"a number for a name", `{"profile":{"login":"a@garage.example","firstName":17}}`, "profile.firstName", 400},
		{"a name that is too long", `{"profile":{"login":"a@garage.example","firstName":"` + strings.Repeat("x", 65) + `"}}`, "firstName", 400},
		{"a profile without end", `{"profile":{"login":"a@garage.example","x":"` + strings.Repeat("y", 17<<10) + `"}}`, "profile", 400},
		{"a garage that is not", `{"profile":{"login":"a@garage.example"},"groupIds":["g0"]}`, "groupIds", 400},
		{"a role that is not", `{"profile":{"login":"a@garage.example"},"role":"KING"}`, "role", 400},
		{"a hash of a password", `{"profile":{"login":"a@garage.example"},"credentials":{"password":{"hash":{"algorithm":"MD5"}}}}`, "credentials.password.hash", 400},
		{"a login twice", `{"profile":{"login":"a@garage.example","login":"b@garage.example"}}`, "profile.login", 400},
		{"somebody else's address", `{"profile":{"login":"There@Garage.example"}}`, "", 409},
		{"somebody else's address as a second one", `{"profile":{"login":"a@garage.example","secondEmail":"there@garage.example"}}`, "", 409},
		{"a password by a token without the allowance", `{"profile":{"login":"a@garage.example"},"credentials":{"password":{"value":"hunter2 hunter2 hunter2"}}}`, "", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := d.call("POST", "/api/v1/users", admin, c.body)
			doc := problem(t, w, c.want)
			if !strings.Contains(doc.Detail, c.says) || strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "there@") {
				t.Errorf("got %s, want %q named and no value", w.Body, c.says)
			}
		})
	}
	for _, query := range []string{"activate=perhaps", "sendEmail=1", "activate=true&activate=false", "activate=%zz"} {
		problem(t, d.call("POST", "/api/v1/users?"+query, admin, `{"profile":{"login":"a@garage.example"}}`), 400)
	}
	if w := d.call("GET", "/api/v1/users/a@garage.example", admin, ""); w.Code != 404 {
		t.Errorf("a refused person: got %d", w.Code)
	}
}

func TestUsers_ConcurrentCreationIsUnique(t *testing.T) {
	d := open(t)
	admin := d.admin()
	codes := make([]int, 8)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			login := strings.Replace("abcdefgh@garage.example", string(rune('a'+i)), string(rune('A'+i)), 1)
			codes[i] = d.call("POST", "/api/v1/users?activate=false", admin, `{"profile":{"login":"`+login+`"}}`).Code
		})
	}
	all.Wait()
	made := 0
	for _, code := range codes {
		switch code {
		case 200:
			made++
		case 409:
		default:
			t.Errorf("got %d, want 200 or 409", code)
		}
	}
	if made != 1 {
		t.Errorf("got %d people of %v, want one", made, codes)
	}
}

func TestUsers_InvitationLinkRequiresTheSecretsAllowance(t *testing.T) {
	d := open(t)
	body := `{"profile":{"login":"%s@garage.example"}}`
	problem(t, d.call("POST", "/api/v1/users?sendEmail=false", d.admin(), fmt.Sprintf(body, "a")), 403)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	made := read[tree](t, d.call("POST", "/api/v1/users?sendEmail=false", secrets, fmt.Sprintf(body, "b")), 200)
	link, _ := made.get("_embedded", "activation", "activationUrl").(string)
	token, _ := made.get("_embedded", "activation", "activationToken").(string)
	if len(token) < 40 || link != "https://login.example/invite/"+token || len(d.Mails()) != 0 {
		t.Errorf("got %q, %q and %d mails, want a link and no mail", link, token, len(d.Mails()))
	}
	again := read[tree](t, d.local("POST", "/api/v1/users/b@garage.example/lifecycle/activate?sendEmail=false", ""), 200)
	newer, _ := again.get("activationToken").(string)
	if newer == "" || newer == token {
		t.Errorf("got %v, want another link", again)
	}
	if _, err := d.Authn.Invitation(t.Context(), secret.From(newer)); err != nil {
		t.Errorf("the link that was answered: %v", err)
	}
	if _, err := d.Authn.Invitation(t.Context(), secret.From(token)); errcode.Of(err) != errcode.InvalidLink {
		t.Errorf("the earlier link: got %v, want it dead", err)
	}
	mailed := read[tree](t, d.call("POST", "/api/v1/users/b@garage.example/lifecycle/activate", d.admin(), ""), 200)
	if mailed.get("mailed") != true || mailed.get("activationUrl") != nil || len(d.Mails()) != 1 {
		t.Errorf("got %v, want a mail and no link", mailed)
	}
	u, _, _ := d.Member("old@garage.example", nil)
	if doc := problem(t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/activate", d.admin(), ""), 409); doc.ErrorCode != "E0000038" {
		t.Errorf("somebody with a device: got %s", doc.ErrorCode)
	}
}

func TestUsers_PagesListEachOnce(t *testing.T) {
	d := open(t)
	admin := d.admin()
	const many = 450
	for from := 0; from < many; from += 8 { // a person touches up to six keys, an Update 64
		_, err := account.Update(t.Context(), d.Accounts, d.Accounts.NewOperation(d.From), func(tx *account.Tx) (struct{}, error) {
			for i := from; i < min(from+8, many); i++ {
				u := tx.NewUser()
				u.ID = account.UserID(fmt.Sprintf("u%026d", i))
				u.Login = fmt.Sprintf("p%03d@garage.example", i)
				u.Email, u.FirstName, u.LastName = u.Login, fmt.Sprintf("Prénom %d", i%3), "P"
				if err := tx.Create(&u); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		query       string
		pages, want int
	}{
		{"", 3, many},
		{"?limit=200", 3, many},
		{"?limit=150", 3, many},
		{"?limit=1000", 3, many},
		{"?limit=7&q=p00", 2, 10},
		{"?search=" + url.QueryEscape(`profile.login sw "P1"`), 1, 100},
		{"?search=" + url.QueryEscape(`profile.login eq "p123@garage.example"`), 1, 1},
		{"?search=" + url.QueryEscape(`profile.firstName eq "prénom 2"`), 1, 150},
		{"?filter=" + url.QueryEscape(`status eq "STAGED"`), 3, many},
		{"?filter=" + url.QueryEscape(`status eq "ACTIVE"`), 1, 0},
		{"?filter=" + url.QueryEscape(`id eq "u00000000000000000000000449" or id eq "u00000000000000000000000000"`), 1, 2},
		{"?limit=100&q=p", 5, many}, // found by first name, last name and login, and listed once
		{"?q=nobody", 1, 0},
	} {
		t.Run(c.query, func(t *testing.T) {
			seen, pages := map[string]bool{}, 0
			for path := "/api/v1/users" + c.query; path != ""; pages++ {
				if pages > 50 {
					t.Fatal("the pages have no end")
				}
				w := d.call("GET", path, admin, "")
				for _, u := range read[[]tree](t, w, 200) {
					id := u.get("id").(string)
					if seen[id] {
						t.Errorf("%s comes twice", id)
					}
					seen[id] = true
				}
				path = next(t, w.Header())
			}
			if len(seen) != c.want || pages > c.pages+1 || pages < c.pages {
				t.Errorf("got %d people on %d pages, want %d on %d", len(seen), pages, c.want, c.pages)
			}
		})
	}
	w := d.call("GET", "/api/v1/users?limit=2&q=p", admin, "", "Host", "evil.example", "X-Forwarded-Host", "evil.example")
	if links := w.Header().Values("Link"); len(links) != 2 || links[0] != `<https://login.example/api/v1/users?limit=2&q=p>; rel="self"` {
		t.Errorf("got links %v, want self and next on the public URL", links)
	}
}

func TestUsers_RejectInvalidQueries(t *testing.T) {
	d := open(t)
	admin := d.admin()
	for _, query := range []string{"limit=0", "limit=-1", "limit=x", "limit=99999999999999999999", "after=%00", "after=a%20b", "after=sealed-x", "after=" + strings.Repeat("x", 600),
		"limit=1&limit=2", "filter=status", "filter=" + url.QueryEscape(`status co "A"`), "filter=" + url.QueryEscape(`password eq "x"`),
		"search=" + url.QueryEscape(`profile.a eq "x" and profile.b eq "y" or profile.c eq "z"`), "search=" + url.QueryEscape(`profile.a eq "x`),
		"q=" + strings.Repeat("x", 300), "%zz", "hunter2=1&hunter2=2"} {
		for _, path := range []string{"/api/v1/users?", "/api/v1/logs?"} {
			if path == "/api/v1/logs?" && strings.HasPrefix(query, "search") {
				continue
			}
			w := d.call("GET", path+query, admin, "")
			if doc := problem(t, w, http.StatusBadRequest); doc.ErrorCode != "E0000031" || strings.Contains(w.Body.String(), "hunter2") {
				t.Errorf("%s%s: got %s", path, query, w.Body)
			}
		}
	}
}

func TestUsers_SearchCustomMembers(t *testing.T) {
	d := open(t)
	admin := d.admin()
	for i, profile := range []string{`{"badge":"K-17"}`, `{"badge":["x","K-17"]}`, `{"badge":17}`, `{}`} {
		d.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Profile = []byte(profile) })
	}
	for search, want := range map[string]int{`profile.badge eq "k-17"`: 2, `profile.badge sw "K"`: 2, `profile.badge eq "17"`: 0, `profile.nothing eq ""`: 0,
		`profile.badge sw "k" and profile.login sw "p1"`: 1, `profile.badge sw "k" or profile.login sw "p3"`: 3} {
		got := read[[]tree](t, d.call("GET", "/api/v1/users?search="+url.QueryEscape(search), admin, ""), 200)
		if len(got) != want {
			t.Errorf("%s: got %d, want %d", search, len(got), want)
		}
	}
}
