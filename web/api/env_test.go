package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/oidc"
	"barillet/web/api"
	"barillet/web/apidocs"
	"barillet/web/reply"
)

// machine is the owner of the machine, at the socket.
var machine = admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}

// door is the API of a house.
type door struct {
	*authntest.Env
	Apps *oidc.Provider
	API  *api.API
}

func open(t testing.TB) *door {
	t.Helper()
	h := authntest.New(t)
	apps, err := oidc.New(oidc.Config{Store: h.Store, Keyring: h.Ring, Pepper: h.Keys.Pepper, Accounts: h.Accounts, Sessions: h.Sessions,
		Issuer: "https://login.example", Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &door{Env: h, Apps: apps, API: api.New(api.Config{Directory: h.Directory, OIDC: apps, Ring: h.Ring, PublicURL: "https://login.example/",
		Docs: func() (*apidocs.Document, error) { return apidocs.New("https://login.example/") }})}
}

// token makes a token of a role for everybody.
func (d *door) token(role account.Role, change func(*admin.NewToken)) string {
	d.T.Helper()
	n := admin.NewToken{Name: "script", Role: role}
	if change != nil {
		change(&n)
	}
	secret, _, err := d.Directory.Admin.CreateToken(d.T.Context(), machine, account.RequestInfo{}, n)
	if err != nil {
		d.T.Fatalf("making a token: %v", err)
	}
	return secret.Reveal()
}

func (d *door) admin() string { return d.token(account.RoleSuperAdmin, nil) }

// call is one request; header holds names and values in turn.
func (d *door) call(method, path, token, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "SSWS "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.serve(w, r)
	return w
}

// local is one request by the socket.
func (d *door) local(method, path, body string) *httptest.ResponseRecorder {
	return d.as(method, path, machine, body)
}

// tree is any JSON object.
type tree map[string]any

// get goes down by names.
func (x tree) get(names ...string) any {
	var at any = map[string]any(x)
	for _, name := range names {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}

// phonesCleared is how many phones a receipt says were removed, as a number of JSON.
func phonesCleared(receipt tree) any {
	all, _ := receipt.get("cleared", "devices").([]any)
	for _, x := range all {
		if d, _ := x.(map[string]any); d["factorType"] == "token:software:totp" {
			return d["count"]
		}
	}
	return nil
}

func read[T any](t testing.TB, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	if w.Code != status {
		t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	var out T
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("reading %s: %v", w.Body, err)
	}
	return out
}

// problem checks that an answer is a whole problem document.
func problem(t testing.TB, w *httptest.ResponseRecorder, status int) reply.Document {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("media type: got %q with %d %s", got, w.Code, w.Body)
	}
	d := read[reply.Document](t, w, status)
	if d.Status != status || d.Type == "" || d.Title == "" || d.Detail == "" || d.Instance == "" || d.ErrorCode == "" ||
		d.ErrorSummary == "" || d.ErrorLink == "" || d.ErrorID == "" || d.ErrorCauses == nil {
		t.Errorf("got %s, want every member", w.Body)
	}
	return d
}

// next is the address of the next page, "" at the end.
func next(t testing.TB, h http.Header) string {
	t.Helper()
	out := ""
	for _, link := range h.Values("Link") {
		target, rel, ok := strings.Cut(link, ">; ")
		if !ok || !strings.HasPrefix(target, "<https://login.example/api/v1/") {
			t.Fatalf("got link %q, want one on the public URL", link)
		}
		if rel == `rel="next"` {
			out = strings.TrimPrefix(target, "<https://login.example")
		}
	}
	return out
}
