package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/api"
)

// programs returns an API with the API sign-in.
func programs(t testing.TB) *apiEnv {
	t.Helper()
	d := open(t)
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, Ring: d.Ring, PublicURL: "https://login.example/", SignIn: true})
	return d
}

// signer returns a token of the lowest role that may use the API sign-in.
func (d *apiEnv) signer() string {
	return d.token(account.RoleReadOnly, func(n *admin.NewToken) { n.Authn = true })
}

func primary(login, password string) string {
	return `{"username":"` + login + `","password":"` + password + `","relayState":"/x","options":{"warnBeforePasswordExpired":true},"context":{"deviceToken":"d"}}`
}

func withState(x tree, code string) string {
	return `{"stateToken":"` + x.get("stateToken").(string) + `","passCode":"` + code + `"}`
}

func TestAPISignIn_SucceedsInTwoCalls(t *testing.T) {
	d := programs(t)
	u, phone, _ := d.Member("zoe@garage.example", func(u *account.User) { u.FirstName, u.LastName = "Zoé", "Martin" })
	token := d.signer()
	x := read[tree](t, d.call("POST", "/api/v1/authn", token, primary(" ZOE@garage.example", authntest.Password)), 200)
	list, _ := x.get("_embedded", "factors").([]any)
	if x.get("status") != "MFA_REQUIRED" || x.get("_embedded", "user", "id") != string(u.ID) || x.get("_embedded", "user", "profile", "firstName") != "Zoé" || len(list) != 1 ||
		x.get("expiresAt") != d.Clock.Now().Add(5*time.Minute).Format("2006-01-02T15:04:05.000Z") || x.get("_links", "cancel", "href") != "https://login.example/api/v1/authn/cancel" {
		t.Fatalf("got %v, want Okta's MFA_REQUIRED", x)
	}
	factor := tree(list[0].(map[string]any))
	verify := "/api/v1/authn/factors/" + string(phone.Device) + "/verify"
	if factor.get("id") != string(phone.Device) || factor.get("factorType") != "token:software:totp" || factor.get("_links", "verify", "href") != "https://login.example"+verify {
		t.Errorf("got factor %v", factor)
	}
	if y := read[tree](t, d.call("POST", verify, token, withState(x, "")), 200); y.get("status") != "MFA_CHALLENGE" || y.get("_embedded", "factor", "id") != string(phone.Device) ||
		y.get("_links", "next", "href") != "https://login.example"+verify || y.get("stateToken") != x.get("stateToken") {
		t.Errorf("without a code: got %v, want MFA_CHALLENGE", y)
	}
	if doc := problem(t, d.call("POST", verify, token, withState(x, "000000")), 403); doc.ErrorCode != "E0000068" {
		t.Errorf("a wrong code: got %+v", doc)
	}
	w := d.call("POST", verify, token, withState(x, string(phone.Next())))
	y := read[tree](t, w, 200)
	session, _ := y.get("sessionToken").(string)
	if y.get("status") != "SUCCESS" || session == "" || y.get("stateToken") != nil || y.get("_embedded", "user", "profile", "login") != u.Login ||
		y.get("_links") != nil || y.get("expiresAt") != d.Clock.Now().Add(time.Hour).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("got %v, want SUCCESS with a session", y)
	}
	if len(w.Result().Cookies()) != 0 {
		t.Error("a cookie was set")
	}
	if _, err := d.Sessions.Authenticate(t.Context(), secret.From(session)); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session is good at a page: %v", err)
	}
	problem(t, d.call("GET", "/api/v1/users", session, ""), 401)
	open := read[[]tree](t, d.call("GET", "/api/v1/users/"+string(u.ID)+"/sessions", token, ""), 200)
	if open[0].get("id") != y.get("sessionId") && open[1].get("id") != y.get("sessionId") {
		t.Errorf("got sessions %v, want the program's among them", open)
	}
	if doc := problem(t, d.call("POST", verify, token, withState(x, string(phone.Next()))), 401); doc.ErrorCode != "E0000011" {
		t.Errorf("the state token again: got %+v", doc)
	}
}

func TestAPISignIn_RequiresConfigurationAndAllowance(t *testing.T) {
	d := open(t)
	_, phone, _ := d.Member("zoe@garage.example", nil)
	bodies := map[string]string{
		"/api/v1/authn": primary("zoe@garage.example", authntest.Password),
		"/api/v1/authn/factors/" + string(phone.Device) + "/verify": `{"stateToken":"x","passCode":"123456"}`,
		"/api/v1/authn/cancel": `{"stateToken":"x"}`,
	}
	for path, body := range bodies {
		if doc := problem(t, d.call("POST", path, d.signer(), body), 403); doc.Type != "/problems/disabled" {
			t.Errorf("%s while it is off: got %+v", path, doc)
		}
		problem(t, d.local("POST", path, body), 403)
	}
	d = programs(t)
	d.Member("zoe@garage.example", nil)
	for path, body := range bodies {
		for _, token := range []string{d.admin(), d.enroller()} {
			if doc := problem(t, d.call("POST", path, token, body), 403); doc.Type != "/problems/forbidden" {
				t.Errorf("%s without the allowance: got %+v", path, doc)
			}
		}
	}
	if got := d.Events("user.session.start"); len(got) != 1 {
		t.Errorf("a refused call was judged: %d events", len(got))
	}
}

func TestAPISignIn_UnknownLoginsGetTheSameResponse(t *testing.T) {
	d := programs(t)
	d.Member("zoe@garage.example", nil)
	gone, _, _ := d.Member("gone@garage.example", nil)
	d.Change(gone.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	garage := d.CreateGroup("Garage du Port")
	token := d.signer()
	limited := d.token(account.RoleReadOnly, func(n *admin.NewToken) { n.Authn, n.Groups = true, []account.GroupID{garage} })
	answer := func(token, login, password string) string {
		r := httptest.NewRequest("POST", "/api/v1/authn", strings.NewReader(primary(login, password)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "SSWS "+token)
		w := httptest.NewRecorder()
		d.API.ServeHTTP(w, r)
		body := w.Body.String()
		id := read[tree](t, w, 401).get("errorId").(string)
		d.Clock.Advance(time.Hour)
		return strings.ReplaceAll(body, id, "ID")
	}
	want := answer(token, "nobody@garage.example", "wrong in any case")
	for name, got := range map[string]string{
		"a wrong password":              answer(token, "zoe@garage.example", "wrong in any case"),
		"somebody suspended":            answer(token, "gone@garage.example", authntest.Password),
		"no address at all":             answer(token, "zoe@garage.example\\u0000", authntest.Password),
		"somebody outside of the scope": answer(limited, "zoe@garage.example", authntest.Password),
		"nobody, by a limited token":    answer(limited, "nobody@garage.example", authntest.Password),
	} {
		if got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, login := range []string{"zoe@garage.example", "nobody@garage.example"} {
		var last string
		for range 8 {
			w := d.call("POST", "/api/v1/authn", token, primary(login, "wrong in any case"))
			last = w.Header().Get("Retry-After") + " " + read[tree](t, w, w.Code).get("errorCode").(string)
		}
		if !strings.HasSuffix(last, "E0000047") || strings.HasPrefix(last, " ") {
			t.Errorf("%s after eight: got %q, want a wait", login, last)
		}
		d.Clock.Advance(time.Hour)
	}
	for name, body := range map[string]string{"no name": `{"password":"x"}`, "no password": `{"username":"x"}`,
		"a huge name": primary(strings.Repeat("x", 1025), "x"), "a huge password": primary("x", strings.Repeat("x", 1025))} {
		if doc := problem(t, d.call("POST", "/api/v1/authn", token, body), 400); doc.ErrorCode != "E0000001" {
			t.Errorf("%s: got %+v", name, doc)
		}
	}
}

func TestAPISignIn_WithoutDeviceReturnsMFAEnrollWithoutLinks(t *testing.T) {
	d := programs(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	token := d.signer()
	for name, change := range map[string]func(*account.User){
		"no device":              func(u *account.User) { u.Devices = nil },
		"a cloned one":           func(u *account.User) { u.Devices[0].Disabled = "clone" },
		"one that waits":         func(u *account.User) { u.Devices[0].Disabled = "unconfirmed" },
		"both by one hand":       func(u *account.User) { u.Devices[0].SecretSeenBy = u.Password.Provenance },
		"one of an unknown kind": func(u *account.User) { u.Devices[0].Kind = "pigeon" },
	} {
		before := d.User(u.Login).Devices
		d.Change(u.ID, change)
		w := d.call("POST", "/api/v1/authn", token, primary(u.Login, authntest.Password))
		x := read[tree](t, w, 200)
		if x.get("status") != "MFA_ENROLL" || x.get("_links") != nil || x.get("_embedded", "factors") != nil || x.get("sessionToken") != nil {
			t.Errorf("%s: got %s, want MFA_ENROLL without links", name, w.Body)
		}
		if strings.Contains(w.Body.String(), phone.Secret) || strings.Contains(w.Body.String(), "otpauth") {
			t.Errorf("%s: a secret is in the answer", name)
		}
		problem(t, d.call("POST", "/api/v1/authn/factors/"+string(phone.Device)+"/verify", token, withState(x, string(phone.Next()))), 409)
		problem(t, d.call("POST", "/api/v1/authn/factors/"+string(phone.Device)+"/verify", token, withState(x, "")), 404)
		d.Change(u.ID, func(u *account.User) { u.Devices = before })
	}
}

func TestAPISignIn_StateTokenIsBoundToItsToken(t *testing.T) {
	d := programs(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	token, other := d.signer(), d.signer()
	verify := "/api/v1/authn/factors/" + string(phone.Device) + "/verify"
	start := func() tree {
		return read[tree](t, d.call("POST", "/api/v1/authn", token, primary(u.Login, authntest.Password)), 200)
	}
	x := start()
	for name, doc := range map[string]string{
		"by another token":            problem(t, d.call("POST", verify, other, withState(x, string(phone.Next()))), 401).ErrorCode,
		"asked for by another token":  problem(t, d.call("POST", verify, other, withState(x, "")), 401).ErrorCode,
		"cancelled by another token":  problem(t, d.call("POST", "/api/v1/authn/cancel", other, withState(x, "")[:len(withState(x, ""))-len(`,"passCode":""}`)]+"}"), 401).ErrorCode,
		"one that never was":          problem(t, d.call("POST", verify, token, `{"stateToken":"never","passCode":"123456"}`), 401).ErrorCode,
		"cancelling one that is gone": problem(t, d.call("POST", "/api/v1/authn/cancel", token, `{"stateToken":"never"}`), 401).ErrorCode,
	} {
		if doc != "E0000011" {
			t.Errorf("%s: got %s, want E0000011", name, doc)
		}
	}
	browser, err := d.Authn.StartWithPassword(t.Context(), d.From, u.Login, authntest.Password)
	if err != nil {
		t.Fatal(err)
	}
	problem(t, d.call("POST", verify, token, `{"stateToken":"`+browser.Secret.Reveal()+`","passCode":"`+string(phone.Code())+`"}`), 401)
	problem(t, d.call("POST", "/api/v1/authn/factors/nope/verify", token, withState(x, string(phone.Code()))), 404)
	if y := read[tree](t, d.call("POST", verify, token, withState(x, string(phone.Code()))), 200); y.get("status") != "SUCCESS" {
		t.Errorf("its own token: got %v", y)
	}
	x = start()
	d.Clock.Advance(5 * time.Minute)
	problem(t, d.call("POST", verify, token, withState(x, string(phone.Code()))), 401)
	x = start()
	if w := d.call("POST", "/api/v1/authn/cancel", token, `{"stateToken":"`+x.get("stateToken").(string)+`"}`); w.Code != 200 {
		t.Errorf("cancelling: got %d %s", w.Code, w.Body)
	}
	problem(t, d.call("POST", verify, token, withState(x, string(phone.Next()))), 401)
	for _, path := range []string{verify, "/api/v1/authn/cancel"} {
		problem(t, d.call("POST", path, token, `{}`), 400)
	}
}
