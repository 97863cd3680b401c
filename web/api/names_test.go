package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

// logins returns the logins that a call of the list of users finds, sorted.
func (d *apiEnv) logins(token, query string) string {
	d.T.Helper()
	var out []string
	for after := "/api/v1/users?limit=2&" + query; after != ""; {
		w := d.call("GET", after, token, "")
		for _, u := range read[[]tree](d.T, w, 200) {
			out = append(out, u.get("profile", "login").(string))
		}
		after = ""
		if strings.Contains(strings.Join(w.Header().Values("Link"), ""), `rel="next"`) {
			after = next(d.T, w.Header())
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestUsers_AreFoundByEveryWordHoweverItIsTyped(t *testing.T) {
	d := open(t)
	all := d.admin()
	garage := d.CreateGroup("Garage du Port")
	for _, profile := range []string{
		`{"login":"helene@a.example","firstName":"He\u0301le\u0300ne","lastName":"Großmann"}`,
		`{"login":"elodie.martin-dupont@b.example","firstName":"Élodie","lastName":"d’Arc"}`,
		`{"login":"lea@bücher.example","firstName":"Léa","lastName":"Cœur de Lion","secondEmail":"jean.luc@home.example"}`,
	} {
		read[tree](t, d.call("POST", "/api/v1/users?activate=false", all, `{"profile":`+profile+`,"groupIds":["`+string(garage)+`"]}`), 200)
	}
	read[tree](t, d.call("POST", "/api/v1/users?activate=false", all, `{"profile":{"login":"elsewhere@a.example","firstName":"Hélène"}}`), 200)
	scoped := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{garage} })
	const helene, elodie, lea = "helene@a.example", "elodie.martin-dupont@b.example", "lea@bücher.example"
	for q, want := range map[string]string{
		"Hélène": helene, "he\u0301le\u0300ne": helene, "HELENE": helene, "grossmann": helene, "Großm": helene, "grossmann hel": helene, "Hélène Gross": helene,
		"elodie": elodie, "Élo": elodie, "d'Arc": elodie, "d’arc": elodie, "Arc": elodie, "darc": elodie, "dupont": elodie, "Martin-Dupont@b": elodie,
		"Élodie d'Arc": elodie, "d'Arc Élodie": elodie, "b.example": elodie,
		"coeur": lea, "lion": lea, "bucher": lea, "Bücher": lea, "xn--bcher": lea, "luc": lea, "jean.luc@home": lea, "cœur de l": lea,
		"rossmann": "", "lodie": "", "@": "", "'": "", "%": "", "example garage": "", "Hélène Élodie": "",
	} {
		query := "q=" + url.QueryEscape(q)
		unscoped := want
		if want == helene && strings.HasPrefix(strings.ToLower(q), "h") && !strings.Contains(strings.ToLower(q), "gross") {
			unscoped = "elsewhere@a.example " + helene
		}
		if got := d.logins(scoped, query); got != want {
			t.Errorf("%s with a group scope: got %q, want %q", q, got, want)
		}
		if got := d.logins(all, query); got != unscoped {
			t.Errorf("%s: got %q, want %q", q, got, unscoped)
		}
	}
	for filter, want := range map[string]string{
		`profile.lastName eq "GROSSMANN"`: helene, `profile.lastName eq "d'Arc"`: elodie, `profile.lastName sw "d'a"`: elodie, `profile.firstName eq "E\u0301lodie"`: elodie,
		`profile.firstName eq "Elodie"`: "", `profile.firstName sw "elo"`: elodie, `profile.login eq "LEA@Bücher.example"`: lea,
		`profile.login eq "lea@xn--bcher-kva.example"`: lea, `profile.lastName sw "Lion"`: "", `profile.lastName sw "coeur de"`: lea, `profile.login sw "elodie.martin-"`: elodie,
	} {
		filter = strings.ReplaceAll(filter, `\u0301`, "\u0301")
		for _, token := range []string{all, scoped} {
			if got := d.logins(token, "filter="+url.QueryEscape(filter)); got != want {
				t.Errorf("%s: got %q, want %q", filter, got, want)
			}
		}
	}
	changed := read[tree](t, d.call("POST", "/api/v1/users/"+helene, all, `{"profile":{"lastName":"Petit","login":"Lena@a.example"}}`), 200)
	for q, want := range map[string]string{"grossmann": "", "petit": "Lena@a.example", "lena": "Lena@a.example"} {
		if got := d.logins(all, "q="+q); got != want {
			t.Errorf("%s after the change: got %q, want %q", q, got, want)
		}
	}
	id := changed.get("id").(string)
	for range 2 { // deactivate, then delete
		d.call("DELETE", "/api/v1/users/"+id, all, "")
	}
	if got := d.logins(all, "q=petit"); got != "" {
		t.Errorf("after the deletion: got %q", got)
	}
}

func TestUsers_LongNamesHaveBoundedEntries(t *testing.T) {
	d := open(t)
	all := d.admin()
	words := strings.TrimSpace(strings.Repeat("x’y ", 15))
	address := strings.Repeat("a.", 20) + "b@" + strings.Repeat("c-d.", 20) + "example"
	var groups []string
	for i := range 20 {
		groups = append(groups, fmt.Sprintf("%q", d.CreateGroup(fmt.Sprintf("Garage %d", i))))
	}
	for i := range 2 {
		profile := fmt.Sprintf(`{"login":"z%d.%s","email":"y%d.%s","secondEmail":"w%d.%s","firstName":"%s","lastName":"Zoé%d %s"}`, i, address, i, address, i, address, words, i, words[:40])
		if i == 1 {
			u := read[tree](t, d.call("PUT", "/api/v1/users/z0."+address, all, `{"profile":`+profile+`}`), 200)
			if got := d.logins(all, "q="+url.QueryEscape("zoe1 x")); got != u.get("profile", "login") {
				t.Errorf("got %q", got)
			}
			for range 2 {
				if w := d.call("DELETE", "/api/v1/users/"+u.get("id").(string), all, ""); w.Code != http.StatusNoContent {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
			}
			continue
		}
		read[tree](t, d.call("POST", "/api/v1/users", all, `{"profile":`+profile+`,"groupIds":[`+strings.Join(groups, ",")+`]}`), 200)
	}
}

func TestGroups_TwoThatLookTheSameCannotBeMade(t *testing.T) {
	d := open(t)
	all := d.admin()
	create := func(name string) (int, tree) {
		text, _ := json.Marshal(map[string]any{"profile": map[string]string{"name": name}})
		w := d.call("POST", "/api/v1/groups", all, string(text))
		var out tree
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return w.Code, out
	}
	_, first := create(" L\u2019Atelier He\u0301le\u0300ne\u00a0")
	if first.get("profile", "name") != "L’Atelier Hélène" {
		t.Fatalf("got %v, want the name trimmed and composed", first)
	}
	for _, name := range []string{"L’Atelier Hélène", "L'atelier hélène", "L’Atelier \u00a0Hélène", "L’Аtelier Hélène", "L’Atelier He\u0301lène"} {
		if status, doc := create(name); status != 400 || !strings.Contains(fmt.Sprint(doc["detail"]), "looks the same") {
			t.Errorf("%+q: got %d %v, want it refused", name, status, doc["detail"])
		}
	}
	for _, name := range []string{"\u200b", "\u3164", "\u202eegaraG", "Gar\u200bage", "a\nb", "  ", "a\u2066b"} {
		if status, doc := create(name); status != 400 {
			t.Errorf("%+q: got %d %v, want it refused", name, status, doc)
		}
	}
	_, second := create("L’Atelier Helène") // another accent
	path := "/api/v1/groups/" + second.get("id").(string)
	problem(t, d.call("PUT", path, all, `{"profile":{"name":"l'atelier hélène"}}`), 400)
	read[tree](t, d.call("PUT", path, all, `{"profile":{"name":"L’ATELIER Helène"}}`), 200) // its own name
	if w := d.call("DELETE", "/api/v1/groups/"+first.get("id").(string), all, ""); w.Code != 204 {
		t.Fatalf("got %d", w.Code)
	}
	read[tree](t, d.call("PUT", path, all, `{"profile":{"name":"l'atelier hélène"}}`), 200)
	for q, want := range map[string]int{"helene": 1, "atelier": 1, "l’a": 1, "l'a": 1, "elene": 0} {
		if got := read[[]tree](t, d.call("GET", "/api/v1/groups?q="+url.QueryEscape(q), all, ""), 200); len(got) != want {
			t.Errorf("%s: got %d groups, want %d", q, len(got), want)
		}
	}
}

func TestUsers_NamesThatNobodyCanReadAreRefused(t *testing.T) {
	d := open(t)
	all := d.admin()
	read[tree](t, d.call("POST", "/api/v1/users?activate=false", all, `{"profile":{"login":"zoe@garage.example","firstName":"\u00a0Zoe\u0308\ufeff"}}`), 200)
	for _, member := range []string{"firstName", "lastName"} {
		for name, want := range map[string]string{"\u200b": "cannot be seen", "\u2800": "cannot be seen", "Zo\u200dë": "cannot be seen", "\u202eëoZ": "direction of text",
			"Zo\u200eë": "direction of text", "Z\u0007": "control character", strings.Repeat("é", 65): "64 characters"} {
			text, _ := json.Marshal(map[string]any{"profile": map[string]string{"login": "zoe@garage.example", "email": "zoe@garage.example", member: name}})
			for _, call := range [][2]string{{"POST", "/api/v1/users"}, {"POST", "/api/v1/users/zoe@garage.example"}, {"PUT", "/api/v1/users/zoe@garage.example"}} {
				if doc := problem(t, d.call(call[0], call[1], all, string(text)), 400); !strings.Contains(doc.Detail, member) || !strings.Contains(doc.Detail, want) {
					t.Errorf("%s %s %+q: got %q", call[0], call[1], name, doc.Detail)
				}
			}
		}
	}
	if got := read[tree](t, d.call("GET", "/api/v1/users/zoe@garage.example", all, ""), 200); got.get("profile", "firstName") != "Zoë" {
		t.Errorf("got %v", got)
	}
}

func TestAPI_GivesBackWhatItWasGiven(t *testing.T) {
	d := open(t)
	all := d.admin()
	garage := string(d.CreateGroup("Canal"))
	kinds := []struct{ name, create, first, second string }{
		{"user", "/api/v1/users?activate=false",
			`{"profile":{"login":"Zoe.Martin@Garage.Example","email":"Zoe@Garage.Example","secondEmail":"ZOE@Bücher.example","firstName":"ZOÉ","lastName":"McMartin",
			"locale":"en_US","displayName":"Zoé M.","mobilePhone":"+33612345678","nickName":"<ZoZo> & Co","badges":["B","a"],"x":{"Y":[1.50,null,"\u2028"]}}}`,
			`{"profile":{"login":"ZOE.Martin@Garage.Example","email":"Zoe@garage.Example","secondEmail":"zoe@XN--bcher-kva.example","firstName":"Zoé","lastName":"MCMARTIN",
			"locale":"fr-CA","displayName":"ZOÉ M.","mobilePhone":"+33698765432","badges":["a","B"]}}`},
		{"group", "/api/v1/groups", `{"profile":{"name":"GARAGE du Port","description":"Quai 3,\nHALLE B"}}`, `{"profile":{"name":"garage Du port","description":"quai 3"}}`},
		{"webhook", "/api/v1/webhooks", `{"name":"Atelier É","url":"https://Hooks.Example.com/Path?Q=A%2fb","events":["user.session.start","group.*"]}`,
			`{"name":"ATELIER","url":"https://hooks.example.com/Path","events":["group.*","user.session.start"]}`},
		{"client", "/oauth2/v1/clients", `{"client_name":"Planning É","client_uri":"https://App.example/Home","redirect_uris":["https://App.example/CB?x=A%2fb","https://app.example/cb"],
			"post_logout_redirect_uris":["https://APP.example/Out"],"scope":"email profile openid","grant_types":["refresh_token","authorization_code"],"barillet_groups":["` + garage + `"]}`,
			`{"client_name":"PLANNING","redirect_uris":["https://app.example/cb"],"scope":"openid email"}`},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			w := d.call("POST", k.create, all, k.first)
			var created tree
			if err := json.Unmarshal(w.Body.Bytes(), &created); err != nil || w.Code/100 != 2 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			wantEcho(t, "created", k.first, created)
			base, _, _ := strings.Cut(k.create, "?")
			id, _ := created["id"].(string)
			if id == "" {
				id, _ = created["client_id"].(string)
			}
			path := base + "/" + id
			wantEcho(t, "read", k.first, read[tree](t, d.call("GET", path, all, ""), 200))
			wantEcho(t, "replaced", k.second, read[tree](t, d.call("PUT", path, all, k.second), 200))
			wantEcho(t, "read again", k.second, read[tree](t, d.call("GET", path, all, ""), 200))
		})
	}
	found := read[[]tree](t, d.call("GET", "/api/v1/users?q=mcmartin", all, ""), 200)
	if len(found) != 1 || found[0].get("profile", "secondEmail") != "zoe@XN--bcher-kva.example" {
		t.Errorf("got %v", found)
	}
	id := found[0].get("id").(string)
	d.Change(account.UserID(id), func(u *account.User) { u.Locale = "en" }) // the user chooses another language
	if got := read[tree](t, d.call("GET", "/api/v1/users/"+id, all, ""), 200).get("profile", "locale"); got != "en" {
		t.Errorf("after the user chose English: got %v", got)
	}
	events := len(d.Events(audit.ProfileUpdated, audit.AddressUpdated))
	read[tree](t, d.call("PUT", "/api/v1/users/"+id, all, `{"profile":{"login":"Zoe.Martin@Garage.Example","email":"Zoe@Garage.Example","mobilePhone":"+33 6 98 76 54 32"}}`), 200)
	changes := d.Events(audit.ProfileUpdated, audit.AddressUpdated)
	if len(changes) != events+1 || changes[len(changes)-1].Action != audit.ProfileUpdated {
		t.Errorf("got %+v, want one change of a profile: the mailbox is the same", changes[events:])
	}
}

// wantEcho checks that the answer has every member of the request.
func wantEcho(t *testing.T, when, request string, answer tree) {
	t.Helper()
	var given map[string]any
	if err := json.Unmarshal([]byte(request), &given); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, want, got any)
	compare = func(path string, want, got any) {
		if object, ok := want.(map[string]any); ok {
			inner, _ := got.(map[string]any)
			for name := range object {
				compare(path+"."+name, object[name], inner[name])
			}
		} else if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %s: got %v, want %v", when, path, got, want)
		}
	}
	compare("", given, map[string]any(answer))
}
