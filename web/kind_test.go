package web_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web"
)

// clicker is an invented kind of factor that no package knows: a device that counts upwards from a secret number. Its
// user types the number that it shows. Everything else follows from what the kind says of itself.
type clicker struct{}

var _ factors.AdminEnroller = clicker{}

func (clicker) Kind() factors.Kind { return "clicker" }

func (clicker) Method() factors.Method {
	return factors.Method{Input: factors.InputCode, Slug: "clicker", OktaType: "token:clicker", Providers: []string{"ACME"}, Max: 3, Primary: true}
}

func (clicker) Status(factors.Device) factors.Status { return factors.Status{Provider: "ACME"} }

// counter is both what is kept and what is shown: the number before the next one.
type counter struct {
	Number int `json:"number"`
}

func (clicker) BeginEnrol(_ time.Time, _ factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	c := counter{70_000_000 + 1000*len(devices)}
	p, err := json.Marshal(c)
	return factors.Prompt{View: c}, p, err
}

func (clicker) FinishEnrol(now time.Time, _ factors.Subject, p factors.Pending, answer []byte) (factors.Outcome, error) {
	return WriteNext(factors.Device{Kind: "clicker", Added: now, Data: json.RawMessage(p)}, answer)
}

func (clicker) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{}, nil, nil
}

func (clicker) FinishVerify(now time.Time, _ factors.Subject, devices []factors.Device, _ factors.Pending, answer []byte) (factors.Outcome, error) {
	for _, d := range devices {
		if d.Kind == "clicker" && d.Usable() {
			d.LastUsed = now
			return WriteNext(d, answer)
		}
	}
	return factors.Outcome{Rejected: factors.ReasonExpired}, nil
}

// WriteNext accepts the next number alone.
func WriteNext(d factors.Device, answer []byte) (factors.Outcome, error) {
	var c counter
	if err := json.Unmarshal(d.Data, &c); err != nil {
		return factors.Outcome{}, err
	}
	c.Number++
	if string(answer) != fmt.Sprint(c.Number) {
		return factors.Outcome{Rejected: factors.ReasonWrong}, nil
	}
	var err error
	d.Data, err = json.Marshal(c)
	return factors.Outcome{Device: d, AMR: []string{"otp"}}, err
}

func (clicker) ManualEntry(p factors.Pending) (factors.ManualEntry, error) {
	return factors.ManualEntry{Secret: string(p), Bytes: 5}, nil
}

func (clicker) QRCodePNG(factors.Subject, factors.Pending) ([]byte, error) {
	return []byte("\x89PNG"), nil
}

const clickerWords = `[kind.clicker]
name = "Clicker"
title = "A clicker"
text = "Shows a number"
full = "You have as many clickers as one can have."
ask = "Click “{{.Device}}” and type the number."
ask_many = "Click “{{.Device}}”, or use another device."
`

// clickerFiles are the page and the words of the kind.
func clickerFiles() fstest.MapFS {
	return fstest.MapFS{
		"pages/enrol_clicker.html": {Data: []byte(`{{define "title"}}Clicker{{end}}
{{define "main"}}<h1>Clicker</h1><p id="number">{{.View.number}}</p><form method="post" action="/enrol/clicker"><input name="name"><input name="code"><button>OK</button></form>{{end}}`)},
		"locales/en.toml": {Data: []byte(clickerWords)},
		"locales/fr.toml": {Data: []byte(clickerWords)},
	}
}

// withClicker registers the kind: one line, one template and its words.
func withClicker(t testing.TB, files fs.FS) func(*web.Config) {
	return func(c *web.Config) {
		c.Accounts.Factors = append(c.Accounts.Factors, clicker{})
		renderer, err := templates.New(templates.Brand{URL: c.PublicURL}, c.Static.URL, view.Files, files)
		if err != nil {
			t.Fatal(err)
		}
		c.Renderer = renderer
	}
}

func TestKind_InventedKindServesEverywhere(t *testing.T) {
	p, token := openWithAPI(t, withClicker(t, clickerFiles()))
	u := p.CreateUser(amelie, nil)
	b := p.browser(t)
	number := 70_000_000
	click := func() string { number++; return fmt.Sprint(number) }

	// Enrolment, within an invitation.
	b.goes("/enrol", "/invite/"+p.Invite(u.ID).Reveal(), "password", authntest.Password)
	if got := b.shows("/enrol").body; !strings.Contains(got, "A clicker") || !strings.Contains(got, `value="clicker"`) {
		t.Error("the page does not offer the kind")
	}
	b.goes("/enrol/clicker", "/enrol/begin", "kind", "clicker")
	if got := b.get("/enrol/phone"); got.next() != "/enrol/clicker" {
		t.Errorf("the page of another kind leads to %q", got.next())
	}
	if got := b.shows("/enrol/clicker").body; !strings.Contains(got, `<p id="number">70000000</p>`) {
		t.Errorf("the page does not show the view:\n%s", got)
	}
	if got := b.post("/enrol/clicker", "name", "My clicker", "code", "1"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong number: got %d, want 422", got.StatusCode)
	}
	b.goes("/enrol/second", "/enrol/clicker", "name", "My clicker", "code", click())

	// Sign-in, step-up and account.
	b.goes("/enrol/recovery", "/enrol/later")
	b.savesCodes()
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.shows("/login/factor").body; !strings.Contains(got, "Click “My clicker” and type the number.") {
		t.Error("the second step does not ask in the words of the kind")
	}
	if got := again.post("/login/factor", "code", "70000000"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong number: got %d, want 401", got.StatusCode)
	}
	again.goes("/account", "/login/factor", "code", click())
	again.goes("/account/add", "/account/prove", "next", "/account/add", "code", click())
	if got := again.shows("/account").body; !strings.Contains(got, "<dd>Clicker</dd>") {
		t.Error("the account does not name the kind")
	}

	// A phone beside it: either answers, whichever kind is registered first.
	again.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "other")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, again.shows("/enrol/phone").body)}
	again.goes("/account?done=device_added", "/enrol/phone", "name", "Phone", "code", string(phone.Code()))
	for _, code := range []string{click(), string(phone.Next()), click()} {
		third := p.browser(t)
		third.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
		third.goes("/account", "/login/factor", "code", code)
	}

	// API sign-in, catalogue and reset.
	api := p.browser(t)
	_, state := asked(api, token, "/api/v1/authn", `{"username":"`+amelie+`","password":"`+authntest.Password+`"}`)
	id := ""
	for _, f := range state["_embedded"].(map[string]any)["factors"].([]any) {
		if f := f.(map[string]any); f["factorType"] == "token:clicker" {
			id = f["id"].(string)
		}
	}
	status, done := asked(api, token, "/api/v1/authn/factors/"+id+"/verify", `{"stateToken":"`+state["stateToken"].(string)+`","passCode":"`+click()+`"}`)
	if status != http.StatusOK || done["status"] != "SUCCESS" {
		t.Errorf("API sign-in: got %d %v", status, done)
	}
	if got := api.get("/api/v1/users/" + string(u.ID) + "/factors/catalog").body; !strings.Contains(got, `"factorType":"token:clicker","provider":"ACME"`) {
		t.Errorf("the catalogue lacks the kind: %s", got)
	}
	_, receipt := asked(api, token, "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", `{"reason":"lost"}`)
	if got := fmt.Sprint(receipt["cleared"].(map[string]any)["devices"]); got != "[map[count:1 factorType:token:software:totp] map[count:1 factorType:token:clicker]]" {
		t.Errorf("got receipt %s", got)
	}
}

func TestKind_InventedKindIsEnrolledByAnAdministrator(t *testing.T) {
	p, token := openWithAPI(t, withClicker(t, clickerFiles()))
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Devices = nil })
	api := p.browser(t)
	path := "/api/v1/users/" + string(u.ID) + "/factors"
	_, x := asked(api, token, path, `{"factorType":"token:clicker","provider":"ACME","name":"Given clicker"}`)
	if x["status"] != "PENDING_ACTIVATION" {
		t.Fatalf("got %v, want a pending device", x)
	}
	status, x := asked(api, token, path+"/"+x["id"].(string)+"/lifecycle/activate", `{"passCode":"70000001"}`)
	if status != http.StatusOK || x["status"] != "ACTIVE" || x["factorType"] != "token:clicker" {
		t.Fatalf("got %d %v, want it active", status, x)
	}
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	b.goes("/account", "/login/factor", "code", "70000002")
}

func TestNew_RefusesAKindWithoutPageOrWords(t *testing.T) {
	for _, missing := range []string{"pages/enrol_clicker.html", "locales/en.toml", "locales/fr.toml"} {
		files := clickerFiles()
		if strings.HasSuffix(missing, ".toml") {
			files[missing] = &fstest.MapFile{Data: []byte(strings.Replace(clickerWords, "ask_many", "asks", 1))}
		} else {
			delete(files, missing)
		}
		c, _ := config(t, authntest.New(t))
		withClicker(t, files)(&c)
		if _, err := web.New(c); err == nil || !strings.Contains(err.Error(), "clicker") {
			t.Errorf("without %s: got %v, want an error that names the kind", missing, err)
		}
	}
}
