package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/web"
	"barillet/web/api"
)

// openWithAPI starts a service with the API, where programs can sign users in. The token that it returns can do so,
// and enrol devices for others.
func openWithAPI(t testing.TB, changes ...func(*web.Config)) (*place, string) {
	t.Helper()
	var served http.Handler
	p := open(t, func(c *web.Config) {
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.ServeHTTP(w, r) })
		for _, change := range changes {
			change(c)
		}
	})
	served = api.New(api.Config{Directory: p.Directory, Approvals: p.Approvals, Ring: p.Ring, PublicURL: p.url, SignIn: true})
	machine := admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}
	token, _, err := p.Directory.Admin.CreateToken(t.Context(), machine, account.RequestInfo{},
		admin.NewToken{Name: "script", Role: account.RoleUserAdmin, Secrets: true, Authn: true})
	if err != nil {
		t.Fatal(err)
	}
	return p, token.Reveal()
}

// asked posts JSON to the API and reads the answer.
func asked(b *browser, token, path, body string) (int, map[string]any) {
	b.t.Helper()
	b.header.Set("Authorization", "SSWS "+token)
	got := b.do(http.MethodPost, path, "application/json", body)
	var out map[string]any
	if err := json.Unmarshal([]byte(got.body), &out); err != nil {
		b.t.Fatalf("POST %s: got %d %s", path, got.StatusCode, got.body)
	}
	return got.StatusCode, out
}

// given enrols a phone for a user through the API.
func given(t testing.TB, p *place, token string, u account.User) *authntest.Phone {
	t.Helper()
	b := p.browser(t)
	_, x := asked(b, token, "/api/v1/users/"+string(u.ID)+"/factors", `{"factorType":"token:software:totp","provider":"GOOGLE","name":"Du garage"}`)
	activation := x["_embedded"].(map[string]any)["activation"].(map[string]any)
	phone := &authntest.Phone{Env: p.Env, Secret: activation["sharedSecret"].(string)}
	status, _ := asked(b, token, "/api/v1/users/"+string(u.ID)+"/factors/"+x["id"].(string)+"/lifecycle/activate", `{"passCode":"`+string(phone.Code())+`"}`)
	if status != http.StatusOK {
		t.Fatalf("activating: got %d", status)
	}
	devices := p.User(u.Login).Devices
	phone.Device = devices[len(devices)-1].ID
	return phone
}

func TestAdminEnrolment_IsConfirmedOrRemoved(t *testing.T) {
	p, token := openWithAPI(t)
	u, mine, _ := p.Member(amelie, nil)
	phone := given(t, p, token, u)
	b := p.browser(t)
	b.signIn(amelie, mine)
	confirm := "/account/devices/" + string(phone.Device) + "/confirm"
	account := b.shows("/account").body
	for _, want := range []string{"Garage Lumiere enrolled this device for you. It does not work until you confirm it.", `href="` + confirm + `"`, ">Refuse</a>"} {
		if !strings.Contains(account, want) {
			t.Errorf("the account does not say %q", want)
		}
	}
	if got := b.get(confirm); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Errorf("without a proof: got %d to %q", got.StatusCode, got.next())
	}
	if got := b.post(confirm, "code", string(phone.Next())); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Errorf("posting without a proof: got %d to %q", got.StatusCode, got.next())
	}
	b.goes(confirm, "/account/prove", "code", string(mine.Next()), "next", confirm)
	if got := b.shows(confirm).body; !strings.Contains(got, "Du garage") || !strings.Contains(got, "/remove") || strings.Contains(got, phone.Secret) {
		t.Error("the page does not name the device, has no way to refuse it, or shows the secret")
	}
	if got := b.post(confirm, "code", "000000"); got.StatusCode != http.StatusUnauthorized || problemIn(got.body) == "" {
		t.Errorf("a wrong code: got %d", got.StatusCode)
	}
	other := p.browser(t)
	other.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := other.post("/login/factor", "code", string(phone.Next())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("it signs in before: got %d", got.StatusCode)
	}
	b.goes("/account?done=device_confirmed", confirm, "code", string(phone.Next()))
	if got := b.shows("/account?done=device_confirmed").body; !strings.Contains(got, "Device confirmed") || !strings.Contains(got, "has seen its key") {
		t.Error("the account does not tell that it counts and who has seen its key")
	}
	if got := b.get(confirm); got.StatusCode != http.StatusNotFound {
		t.Errorf("its page afterwards: got %d, want 404", got.StatusCode)
	}
	p.browser(t).signIn(amelie, phone)

	second := given(t, p, token, u)
	b.goes("/account", "/account/prove", "code", string(mine.Next()), "next", "/account")
	b.goes("/account?done=device_removed", "/account/devices/"+string(second.Device)+"/remove")
	if got := len(p.User(amelie).Devices); got != 2 {
		t.Errorf("after refusing: got %d devices, want 2", got)
	}
}

func TestAPISession_IsRejectedOnEveryPage(t *testing.T) {
	p, token := openWithAPI(t)
	u, phone, _ := p.Member(amelie, nil)
	caller := p.browser(t)
	_, x := asked(caller, token, "/api/v1/authn", `{"username":"`+amelie+`","password":"`+authntest.Password+`"}`)
	state := x["stateToken"].(string)
	_, x = asked(caller, token, "/api/v1/authn", `{"username":"`+amelie+`","password":"`+authntest.Password+`"}`)
	verify := "/api/v1/authn/factors/" + string(phone.Device) + "/verify"
	_, x = asked(caller, token, verify, `{"stateToken":"`+x["stateToken"].(string)+`","passCode":"`+string(phone.Next())+`"}`)
	session := x["sessionToken"].(string)
	before, code := p.User(amelie), string(phone.Next())
	for _, pattern := range allPatterns(t) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/demo/") {
			continue
		}
		path = strings.NewReplacer("{$}", "", "{id}", string(phone.Device), "{copy}", "c1", "{token}", "t1").Replace(path)
		b, other := p.browser(t), p.browser(t)
		b.header.Set("Cookie", "__Host-barillet="+session+"; __Host-barillet-login="+state)
		other.header.Set("Cookie", "__Host-barillet="+strings.Repeat("A", len(session))+"; __Host-barillet-login="+strings.Repeat("A", len(state)))
		var got, want page
		if method == http.MethodGet {
			got, want = b.get(path), other.get(path)
		} else {
			fields := []string{"code", code, "name", "x", "kind", "totp", "identifier", "", "password", "", "email", "", "lang", "en"}
			got, want = b.post(path, fields...), other.post(path, fields...)
		}
		if got.StatusCode != want.StatusCode || got.next() != want.next() {
			t.Errorf("%s: got %d to %q, a client with invalid cookies %d to %q", pattern, got.StatusCode, got.next(), want.StatusCode, want.next())
		}
		for _, text := range []string{u.Login, "Téléphone", phone.Secret} {
			if strings.Contains(got.body, text) {
				t.Errorf("%s contains %q", pattern, text)
			}
		}
	}
	after := p.User(amelie)
	if len(after.Devices) != len(before.Devices) || after.Epoch != before.Epoch || len(after.Sessions) != len(before.Sessions) || after.Password.Hash != before.Password.Hash {
		t.Error("a page did something for a program's session")
	}
	if status, _ := asked(caller, token, "/api/v1/authn/cancel", `{"stateToken":"`+state+`"}`); status != http.StatusOK {
		t.Errorf("a page ended the program's login: got %d", status)
	}
}

func TestCode_PostedToPagesAndAPIIsAcceptedOnce(t *testing.T) {
	p, token := openWithAPI(t)
	u, phone, _ := p.Member(amelie, nil)
	var posts []func(code string) int
	for i := range 24 {
		b := p.browser(t)
		switch i % 3 {
		case 0:
			b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
			posts = append(posts, func(code string) int { return b.post("/login/factor", "code", code).StatusCode })
		case 1:
			_, x := asked(b, token, "/api/v1/authn", `{"username":"`+amelie+`","password":"`+authntest.Password+`"}`)
			posts = append(posts, func(code string) int {
				status, _ := asked(b, token, "/api/v1/authn/factors/"+string(phone.Device)+"/verify", `{"stateToken":"`+x["stateToken"].(string)+`","passCode":"`+code+`"}`)
				return status
			})
		default:
			posts = append(posts, func(code string) int {
				status, _ := asked(b, token, "/api/v1/users/"+string(u.ID)+"/factors/"+string(phone.Device)+"/verify", `{"passCode":"`+code+`"}`)
				return status
			})
		}
	}
	code := string(phone.Next())
	got := make([]int, len(posts))
	var all sync.WaitGroup
	for i, post := range posts {
		all.Go(func() { got[i] = post(code) })
	}
	all.Wait()
	taken := 0
	for i, status := range got {
		switch status {
		case http.StatusOK, http.StatusSeeOther:
			taken++
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable:
		default:
			t.Errorf("post %d: got %d", i, status)
		}
	}
	if taken != 1 {
		t.Errorf("the code was taken %d times, want once", taken)
	}
	p.browser(t).signIn(amelie, phone) // no account is locked
}
