package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// planted contains an invalid secret of each kind, which the test sends in the wrong place.
var planted = map[string]string{
	"password":       "trois+pinces+et+un+etau",
	"six-digit code": "481516",
	"recovery code":  "q7w3-e9rt-y2u8-k5pa",
	"ticket code":    "7K3M-Q9TD",
	"phone's secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
	"otpauth":        "otpauth://totp/Garage:zoe?secret=NB2W45DFOIZA4YTBNB2W45DFOIZA4YTB",
	"link":           "https://login.example/ticket/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF",
	"API token":      "brl_QmFyaWxsZXRRbWFyaWxsZXRRbWFyaWxsZXRRbWFyaWx",
	"session":        "U2Vzc2lvblNlc3Npb25TZXNzaW9uU2Vzc2lvblNlc3M",
	"webhook":        "whsec_V2ViaG9va1dlYmhvb2tXZWJob29rV2ViaG9va1c=",
}

// aKey is an idempotency key; it is sent as one alone.
const aKey = "cle-d-une-requete-9f2c7a"

// secretMembers lists members of request bodies that contain secrets, and some that do not.
var secretMembers = []string{"password", "passCode", "stateToken", "sessionToken", "token", "secret", "sharedSecret", "otpauth", "url", "code",
	"reason", "helpRequestId", "status", "name", "role", "type", "factorType", "provider", "username", "text", "note", "assignee", "owner", "events", "allow", "groups"}

// routesOfTheAPI returns the method and path of each call below /api/v1 that the service describes. A test of web/api
// compares the description with the routes.
func routesOfTheAPI(a *API) (routes [][2]string) {
	a.tb.Helper()
	var description struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(a.Call(http.MethodGet, "/openapi.json", nil).Want(200).Body, &description); err != nil {
		a.tb.Fatalf("reading the description: %v", err)
	}
	for _, path := range slices.Sorted(maps.Keys(description.Paths)) {
		for _, member := range slices.Sorted(maps.Keys(description.Paths[path])) {
			if method := strings.ToUpper(member); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) && !strings.HasPrefix(path, "/oauth2/") {
				routes = append(routes, [2]string{method, path})
			}
		}
	}
	if len(routes) < 60 {
		a.tb.Fatalf("got %d routes, want all", len(routes))
	}
	return routes
}

// watch is what is searched: everything that came out of the program.
type watch struct {
	t     *testing.T
	where map[string]string // what came out, by where
}

func (w *watch) see(where string, a *Answer) *Answer {
	var header strings.Builder
	_ = a.Header.Write(&header)
	w.where[where] += header.String() + string(a.Body)
	return a
}

// search fails the test for each secret that is where it does not belong. A short code counts where it stands alone.
func (w *watch) search(secrets map[string]string, text map[string]string) {
	w.t.Helper()
	for name, secret := range secrets {
		if len(secret) < 6 {
			w.t.Fatalf("the %s is %q, which proves nothing", name, secret)
		}
		alone := regexp.MustCompile(`(^|[^0-9A-Za-z.:])` + regexp.QuoteMeta(secret) + `($|[^0-9A-Za-z.:])`)
		for _, where := range slices.Sorted(maps.Keys(text)) {
			if said := text[where]; strings.Contains(said, secret) && (len(secret) > 6 || alone.MatchString(said)) {
				at := strings.Index(said, secret)
				w.t.Errorf("%s: the %s is there: …%s…", where, name, said[max(0, at-60):min(len(said), at+len(secret)+60)])
			}
		}
	}
}

// misplaced sends one secret in every place of one call.
func misplaced(w *watch, a *API, method, path, kind, secret, other string) {
	send := func(where, path string, body any) {
		w.see(fmt.Sprintf("%s %s with a %s %s", method, path, kind, where), a.Call(method, path, body))
	}
	quoted := strings.NewReplacer("/", "%2F", "?", "%3F", "+", "%2B", "=", "%3D", ":", "%3A").Replace(secret)
	if strings.Contains(path, "{") {
		send("in the path", regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, quoted), nil)
	}
	path = regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, other)
	send("as a parameter", path+"?"+quoted+"=1", nil)
	send("in the query", path+"?token="+quoted+"&passCode="+quoted, nil)
	for _, name := range []string{"limit", "after", "q", "filter", "search", "status", "since", "sendEmail", "activate", "kind", "sortOrder", "dryRun", "reference"} {
		answer := a.Call(method, path+"?"+name+"="+quoted, nil)
		answer.Header.Del("Link") // which names the page that was asked for
		w.see(fmt.Sprintf("%s %s with a %s as %s in the query", method, path, kind, name), answer)
	}
	if method == http.MethodGet || method == http.MethodDelete {
		return
	}
	send("as a name", path, map[string]any{secret: 1})
	send("as a name within", path, map[string]any{"profile": map[string]any{"inner": map[string]any{secret: 1}}, secret: map[string]any{secret: secret}})
	send("alone", path, `"`+secret+`"`)
	send("without quotes", path, secret)
	send("cut off", path, `{"password": "`+secret)
	send("in a list", path, []any{secret, map[string]any{secret: secret}})
	for _, member := range secretMembers {
		send("as "+member, path, map[string]any{member: secret})
		send("too deep in "+member, path, map[string]any{member: map[string]any{"value": []any{secret}}})
	}
	send("too long", path, map[string]any{"password": strings.Repeat(secret, 3000)})
	send("in credentials", path, map[string]any{"profile": map[string]any{"login": 1}, "credentials": map[string]any{"password": map[string]any{"value": secret, "hash": secret}}})
	send("where passwords are", path, map[string]any{"oldPassword": map[string]any{"value": secret}, "newPassword": map[string]any{"value": "court"}})
	send("where passwords are wrong", path, map[string]any{"oldPassword": secret, "newPassword": []any{secret}})
}

// A secret in the wrong place is in no answer, no log of the program, no event and no mail: for every route, in every
// place, in both shapes of the log.
func TestLeaks_MisplacedSecretIsNotRepeated(t *testing.T) {
	for n, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			h := Open(t, EnvOptions{Config: signing + "\nlog_format = \"" + format + "\""})
			w := &watch{t: t, where: map[string]string{}}
			calls := 0
			var caller *API
			for i, route := range routesOfTheAPI(h.Admin) {
				for j, kind := range slices.Sorted(maps.Keys(planted)) {
					if !torture() && (i+j)%5 != n { // a sample, another one in each run
						continue
					}
					if calls++; caller == nil || calls%8 == 0 { // 600 calls a minute and token
						h.Clock.Advance(time.Minute)
						caller = h.API(h.Secret("token of a caller", h.Run("token", "create", "--name", "x", "--role", "SUPER_ADMIN", "--allow", "secrets,authn").OK(t)))
					}
					misplaced(w, caller, route[0], route[1], kind, planted[kind], "ubbbbbbbbbbbbbbbbbbbbbbbbbb")
				}
			}
			h.Clock.Advance(time.Minute) // the last calls may have used the limit
			secrets := maps.Clone(planted)
			for kind, secret := range planted {
				w.see("a wrong token", h.API(secret).Call("GET", "/users", nil).Want(401))
				w.see("a key too long", caller.keyed(strings.Repeat(secret, 30)).Call("POST", "/groups", map[string]any{"profile": map[string]any{"name": kind}}))
			}
			secrets["idempotency key"] = aKey
			w.see("a key", caller.keyed(aKey).Call("POST", "/groups", map[string]any{"profile": map[string]any{"name": "Garage"}}).Want(200))
			w.see("a key for another body", caller.keyed(aKey).Call("POST", "/groups", map[string]any{"profile": map[string]any{"name": "Autre"}}).Want(422))
			w.search(secrets, w.where)
			for after := "/logs?limit=200"; after != ""; {
				answer := w.see("the log", h.Admin.Call("GET", after, nil).Want(200))
				after = nextPage(answer)
			}
			w.search(secrets, map[string]string{"the log of the program": h.Log(), "the audit log": w.where["the log"]})
			t.Logf("%d answers", len(w.where))
		})
	}
}

// nextPage is the address of the next page, "" at the end.
func nextPage(a *Answer) string {
	for _, link := range a.Header.Values("Link") {
		if target, found := strings.CutSuffix(link, `>; rel="next"`); found {
			return strings.TrimPrefix(target, "<")
		}
	}
	return ""
}

// A day with every kind of secret there is: each is in the one answer or mail that shows it, and nowhere else, neither in
// another answer nor in the file.
func TestLeaks_SecretsStayWhereTheyWereShown(t *testing.T) {
	h := Open(t, EnvOptions{Config: signing + "\noutbound.allow = [\"127.0.0.1\"]"})
	r := StartReceiver(t)
	h.subscribe(r)
	m, other := h.Member(t, person(0)), h.Member(t, person(1))
	full := h.API(h.Secret("token with all allowances", h.Run("token", "create", "--name", "f", "--role", "SUPER_ADMIN", "--allow", "secrets,authn").OK(t)))
	shown := func(name string, a *Answer, at ...string) string {
		t.Helper()
		var x tree
		a.Into(&x)
		secret, _ := x.at(at...).(string)
		if secret == "" {
			t.Fatalf("%s: got %s", name, a.Body)
		}
		return h.Secret(name, secret)
	}
	shown("invitation", full.Call("POST", "/users?sendEmail=false", map[string]any{"profile": map[string]any{"login": person(2), "email": person(2)}}).Want(200), "_embedded", "activation", "activationUrl")
	h.enrols(full, m.Login)
	shown("temporary password", full.Call("POST", "/users/"+other.Login+"/lifecycle/expire_password_with_temp_password", nil).Want(200), "tempPassword")
	shown("password link", full.Call("POST", "/users/"+m.Login+"/lifecycle/reset_password?sendEmail=false", nil).Want(200), "resetPasswordUrl")
	shown("state token", full.Call("POST", "/authn", map[string]string{"username": m.Login, "password": m.Password}).Want(200), "stateToken")
	shown("API token", h.Admin.Call("POST", "/api-tokens", map[string]any{"name": "x", "role": "READ_ONLY_ADMIN"}).Want(201), "token")
	reset := full.keyed("cle-secrete-0017").Call("POST", "/users/"+m.Login+"/lifecycle/reset_factors", map[string]any{"reason": "perdu", "sendEmail": false}).Want(200)
	shown("ticket link", reset, "ticket", "url")
	shown("ticket code", reset, "ticket", "code")
	h.handed(other.Login)
	h.Secret("idempotency key", "cle-secrete-0017")

	h.mu.Lock()
	secrets := maps.Clone(h.secrets)
	h.mu.Unlock()
	for name, secret := range secrets { // a link's secret is its end
		if strings.Contains(secret, "://") && !strings.HasPrefix(secret, "otpauth:") {
			secrets[name] = token(secret)
		}
	}
	w := &watch{t: t, where: map[string]string{}}
	r.until(t, "a signed head of the log", func() bool { return h.Admin.Call("GET", "/logs/head", nil).Status == http.StatusOK })
	for _, caller := range map[string]*API{"administrator": h.Admin, "one with secrets": full} {
		for _, route := range routesOfTheAPI(h.Admin) {
			if route[0] != http.MethodGet {
				continue
			}
			for _, login := range []string{m.Login, other.Login, person(2)} {
				path := strings.Replace(route[1], "{id}", login, 1)
				if answer := caller.Call("GET", path, nil); !strings.Contains(path, "{") {
					w.see(path, answer.Want(200))
				}
			}
		}
		for _, list := range []string{"/users/" + m.Login + "/factors", "/users/" + other.Login + "/factors", "/webhooks", "/help-requests", "/groups", "/api-tokens"} {
			var all []struct{ ID string }
			w.see(list, caller.Call("GET", list, nil).Want(200)).Into(&all)
			for _, one := range all {
				path := list + "/" + one.ID
				w.see(path, caller.Call("GET", path, nil))
				w.see(path, caller.Call("GET", path+"/deliveries", nil))
			}
		}
		w.see("the first answer again", full.keyed("cle-secrete-0017").Call("POST", "/users/"+m.Login+"/lifecycle/reset_factors", map[string]any{"reason": "perdu", "sendEmail": false}).Want(200))
	}
	r.until(t, "the reset", func() bool {
		return slices.Contains(slices.Collect(maps.Values(r.events)), "user.mfa.factor.reset_all")
	})
	r.mu.Lock()
	w.where["what webhooks were told"] = strings.Join(r.bodies, "\n")
	r.mu.Unlock()
	h.settled([]string{m.Login}, "réinitialisés")
	for where := range w.where { // an administrator who may see a webhook sees its URL
		if strings.HasPrefix(where, "/webhooks") {
			w.where[where] = strings.ReplaceAll(w.where[where], secrets["address of the webhook"], "")
		}
	}
	w.search(secrets, w.where)

	// An email with an invitation or ticket contains only that one. Only the members received such emails.
	mails := map[string]string{}
	for n, mail := range h.Mail.All() {
		mails[fmt.Sprint("mail ", n, " to ", mail.To, " ", mail.Subject)] = mail.Text + mail.HTML
	}
	notMailed := maps.Clone(secrets)
	maps.DeleteFunc(notMailed, func(name, _ string) bool { return strings.HasPrefix(name, "invitation of") })
	w.search(notMailed, mails)

	h.Stop()
	file, err := os.ReadFile(filepath.Join(h.Data, "barillet.db"))
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range secrets {
		if strings.Contains(string(file), secret) || strings.Contains(string(file), base64.StdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("the file holds the %s", name)
		}
	}
	h.Restart()
	if len(secrets) < 30 || len(w.where) < 30 {
		t.Errorf("got %d secrets and %d answers: nothing is proven", len(secrets), len(w.where))
	}
}
