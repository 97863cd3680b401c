package api_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/storekeys"
	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/rootkeys"
	"barillet/web/api"
)

type storeKey struct {
	Kind, ID, State string
	Users           *int
}

func (d *apiEnv) storeKeys(t *testing.T) (out []storeKey) {
	t.Helper()
	w := d.local("GET", "/api/v1/store-keys", "")
	if err := json.Unmarshal(w.Body.Bytes(), &out); w.Code != 200 || err != nil {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	text, err := os.ReadFile(d.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		if len(word) == 44 && strings.Contains(w.Body.String(), word) {
			t.Error("the answer has a key")
		}
	}
	return out
}

func one(t *testing.T, keys []storeKey, kind, state string) string {
	t.Helper()
	i := slices.IndexFunc(keys, func(k storeKey) bool { return k.Kind == kind && k.State == state })
	if i < 0 {
		t.Fatalf("no %s %s key in %+v", state, kind, keys)
	}
	return keys[i].ID
}

func TestStoreKeys_AreRotatedByTheOperatorOnly(t *testing.T) {
	d := open(t)
	user, phone, _ := d.Member("zoe@garage.example", nil)
	const rotate = "/api/v1/store-keys"
	before := d.storeKeys(t)
	for _, kind := range storekeys.Kinds {
		problem(t, d.call("POST", rotate, d.admin(), `{"kind":"`+kind+`"}`), 403)
		if w := d.local("POST", rotate, `{"kind":"`+kind+`"}`); w.Code != 200 {
			t.Fatalf("%s: got %d %s", kind, w.Code, w.Body)
		}
	}
	problem(t, d.local("POST", rotate, `{"kind":"cookie"}`), 400)
	problem(t, d.call("DELETE", "/api/v1/store-keys/x", d.admin(), ""), 403)
	problem(t, d.call("GET", "/api/v1/store-keys", d.token(account.RoleHelpDesk, nil), ""), 403)
	problem(t, d.local("DELETE", "/api/v1/store-keys/0123456789abcdef", ""), 404)
	if w := d.call("GET", "/api/v1/store-keys", d.admin(), ""); w.Code != 200 || strings.Contains(w.Body.String(), d.KeyFile) {
		t.Errorf("an administrator gets %d %s", w.Code, w.Body)
	}
	after := d.storeKeys(t)
	for _, kind := range storekeys.Kinds {
		if one(t, before, kind, storekeys.Active) == one(t, after, kind, storekeys.Active) {
			t.Errorf("the %s key is the same", kind)
		}
	}
	old := one(t, after, storekeys.Password, storekeys.Older)
	if i := slices.IndexFunc(after, func(k storeKey) bool { return k.ID == old && k.Kind == storekeys.Password }); *after[i].Users != 1 {
		t.Errorf("%d passwords need the old pepper, want 1", *after[i].Users)
	}
	d.Clock.Advance(time.Minute)
	d.SignIn(user.Login, authntest.Password, phone) // moves the password
	if i := slices.IndexFunc(d.storeKeys(t), func(k storeKey) bool { return k.ID == old && k.Kind == storekeys.Password }); *d.storeKeys(t)[i].Users != 0 {
		t.Error("the password needs the old pepper after a sign-in")
	}
	for _, kind := range []string{storekeys.Password, storekeys.Master} {
		if w := d.local("DELETE", "/api/v1/store-keys/"+one(t, after, kind, storekeys.Older), ""); w.Code != 204 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	keys, err := rootkeys.ReadFile(d.KeyFile)
	if err != nil || len(keys.OlderMasters()) != 0 || len(keys.PasswordPeppers()) != 1 {
		t.Fatalf("the key file has older keys, or %v", err)
	}
	if _, err := store.OpenKeyring(t.Context(), d.Store, keys, d.Clock.Now()); err != nil {
		t.Error(err)
	}
	if _, err := store.OpenKeyring(t.Context(), d.Store, d.Keys, d.Clock.Now()); err == nil {
		t.Error("the old key file opens the store")
	}
	d.Clock.Advance(time.Minute)
	d.SignIn(user.Login, authntest.Password, phone)
	if rotated := d.Events(audit.KeyRotated); len(rotated) != len(storekeys.Kinds) {
		t.Errorf("got %d events, want one for each kind", len(rotated))
	}
}

// After a leak, no hash of before verifies, and the old master key opens nothing.
func TestStoreKeys_LeakedOnesEndAtOnce(t *testing.T) {
	d := open(t)
	d.Member("zoe@garage.example", nil)
	for _, kind := range []string{"master", "password-pepper"} {
		if w := d.local("POST", "/api/v1/store-keys", `{"kind":"`+kind+`","leaked":true}`); w.Code != 200 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	keys, err := rootkeys.ReadFile(d.KeyFile)
	if err != nil || len(keys.OlderMasters()) != 0 || len(keys.PasswordPeppers()) != 1 || keys.PasswordPeppers()[0].ID() == d.Keys.Pepper.ID() {
		t.Errorf("the key file has a leaked key, or %v", err)
	}
	if ok, _, err := d.Accounts.Hasher.Verify(t.Context(), true, d.User("zoe@garage.example").Password.Hash, authntest.Password); ok || err != nil {
		t.Errorf("a hash of the leaked pepper verifies: %v, %v", ok, err)
	}
}

func TestStoreKeys_InAVariableAreTheOperators(t *testing.T) {
	d := open(t)
	if err := rootkeys.ReplaceFile(d.KeyFile, d.Keys.WithNewMaster(d.Clock.Now())); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{string(text), base64.StdEncoding.EncodeToString(text)} {
		root := rootkeys.TextSource("BARILLET_KEY", value)
		keys, err := root.Read()
		if err != nil {
			t.Fatal(err)
		}
		fixed, err := storekeys.New(storekeys.Config{Accounts: d.Accounts, Ring: d.Ring, Keys: keys, Root: root, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, OIDC: d.Apps, StoreKeys: fixed, Ring: d.Ring, PublicURL: "https://login.example/"})
		problem(t, d.local("POST", "/api/v1/store-keys", `{"kind":"master"}`), 409)
		problem(t, d.local("DELETE", "/api/v1/store-keys/"+keys.OlderMasters()[0].ID(), ""), 409)
		if w := d.local("POST", "/api/v1/store-keys", `{"kind":"data"}`); w.Code != 200 {
			t.Errorf("data: got %d %s", w.Code, w.Body)
		}
	}
	if _, err := rootkeys.TextSource("BARILLET_KEY", "c2VjcmV0").Read(); err == nil || strings.Contains(err.Error(), "c2Vj") {
		t.Errorf("another text: got %v", err)
	}
}

func TestSigningKeys_AreWithdrawn(t *testing.T) {
	d := open(t)
	keys, err := d.Apps.Keys.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/signing-keys/" + keys[0].ID + "/withdraw"
	problem(t, d.call("POST", path, d.token(account.RoleUserAdmin, nil), ""), 403)
	if w := d.call("POST", path, d.admin(), ""); w.Code != 200 || strings.Contains(w.Body.String(), keys[0].ID) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	problem(t, d.call("POST", path, d.admin(), ""), 404)
}
