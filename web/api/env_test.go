package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/storekeys"
	"barillet/internal/backup"
	"barillet/oidc"
	"barillet/store"
	"barillet/store/rootkeys"
	"barillet/web/api"
	"barillet/web/apidocs"
	"barillet/web/reply"
)

// operator is the principal at the admin socket.
var operator = admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}

// apiEnv is an API with its service.
type apiEnv struct {
	*authntest.Env
	Apps    *oidc.Provider
	API     *api.API
	KeyFile string
}

func open(t testing.TB) *apiEnv {
	t.Helper()
	h := authntest.New(t)
	apps, err := oidc.New(oidc.Config{Store: h.Store, Keyring: h.Ring, Pepper: h.Keys.Pepper, Accounts: h.Accounts, Sessions: h.Sessions,
		Issuer: "https://login.example", Now: h.Clock.Now, ClientCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "barillet.key")
	if err := rootkeys.WriteFile(keyFile, h.Keys); err != nil {
		t.Fatal(err)
	}
	storeKeys, err := storekeys.New(storekeys.Config{Accounts: h.Accounts, Ring: h.Ring, Keys: h.Keys, Root: rootkeys.FileSource(keyFile), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &apiEnv{Env: h, Apps: apps, KeyFile: keyFile, API: api.New(api.Config{Directory: h.Directory, Approvals: h.Approvals, OIDC: apps, StoreKeys: storeKeys, Ring: h.Ring, PublicURL: "https://login.example/",
		Backups: &backup.Maker{Copy: h.CopyTo, Keys: func() store.RootKeys { return h.Keys }, Dir: t.TempDir(), Program: "v1.2.3", Now: h.Clock.Now,
			Room: func(string, int64) error { return nil }},
		Docs: func() (*apidocs.Document, error) { return apidocs.New("https://login.example/") }})}
}

// token returns a new API token with a role and without a group scope.
func (d *apiEnv) token(role account.Role, change func(*admin.NewToken)) string {
	d.T.Helper()
	n := admin.NewToken{Name: "script", Role: role}
	if change != nil {
		change(&n)
	}
	secret, _, err := d.Directory.Admin.CreateToken(d.T.Context(), operator, account.RequestInfo{}, n)
	if err != nil {
		d.T.Fatalf("making a token: %v", err)
	}
	return secret.Reveal()
}

func (d *apiEnv) admin() string { return d.token(account.RoleSuperAdmin, nil) }

// call sends a request; header alternates names and values.
func (d *apiEnv) call(method, path, token, body string, header ...string) *httptest.ResponseRecorder {
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

// local sends a request of the operator.
func (d *apiEnv) local(method, path, body string) *httptest.ResponseRecorder {
	return d.as(method, path, operator, body)
}

// tree is a JSON object.
type tree map[string]any

// get returns the member at the path of names.
func (x tree) get(names ...string) any {
	var at any = map[string]any(x)
	for _, name := range names {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}

// phonesCleared returns the number of removed phones in the result of a reset.
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

// problem checks that a response is a complete problem document.
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

// next returns the address of the next page, or "".
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
