package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/go-jose/go-jose/v4"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// goldenData is a data directory with records of all tables. Its store was written by a version of the program and is open for
// ever: a later version adds a directory. To make a missing one, run
//
//	go test ./cmd/barillet -run TestGoldenData -update
const (
	goldenData  = "testdata/data.v1"
	goldenLogin = "login.json" // a goldenUser, beside the store and the key file
)

// goldenUser is who signs in to the golden data directory, after a time.
type goldenUser struct {
	At                   time.Time
	Login, Password, Key string
}

func TestGoldenData_OpensForEver(t *testing.T) {
	if _, err := os.Stat(goldenData); errors.Is(err, fs.ErrNotExist) && flag.Lookup("update").Value.String() == "true" {
		makeGoldenData(t)
	}
	data := filepath.Join(storetest.Dir(t), "data")
	if err := os.CopyFS(data, os.DirFS(goldenData)); err != nil {
		t.Fatalf("copying a golden data directory (-update makes it): %v", err)
	}
	for _, name := range []string{data, filepath.Join(data, config.KeyName), filepath.Join(data, datadir.StoreName)} {
		mode := os.FileMode(0o600)
		if name == data {
			mode = 0o700
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	var u goldenUser
	text, err := os.ReadFile(filepath.Join(data, goldenLogin))
	if err == nil {
		err = errors.Join(json.Unmarshal(text, &u), os.Remove(filepath.Join(data, goldenLogin)))
	}
	if err != nil {
		t.Fatal(err)
	}
	d := openAttackDay(t, data, u.At.Add(time.Hour))
	ring, kept := d.app.dataDir.Ring, d.app.dataDir.Store
	for _, table := range store.TableDefs() {
		checkTable(t, ring, kept, table)
	}
	if err := ring.CorrectAll(t.Context(), kept); err != nil { // decodes the records that have times
		t.Fatal(err)
	}
	if n := ring.DamagedRecords(); n != 0 {
		t.Errorf("%d records cannot be read", n)
	}
	d.client("203.0.113.7").signIn(&demoUser{first: strings.TrimSuffix(u.Login, "@garage.example"), Password: secret.From(u.Password), Key: secret.From(u.Key)},
		"a user of the golden data directory signs in")
	if err := errors.Join(d.app.tree.Advance(t.Context()), kept.Close()); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if err := run(t.Context(), []string{"audit", "verify", "--data", data}, strings.NewReader(""), &stdout, &stderr); err != nil {
		t.Errorf("audit verify: %v\n%s%s", err, stdout.String(), stderr.String())
	}
}

// checkTable tests that a table has a record, and that each of its records can be decrypted and is CBOR.
func checkTable(t *testing.T, ring *store.Keyring, s store.Store, table store.TableDef) {
	t.Helper()
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		ids, records := 0, 0
		err := snap.Scan(table.Prefix, "", 0, func(string, []byte) error { ids++; return nil })
		if err == nil && table.Sealed {
			readable := store.NewTable[cbor.RawMessage](ring, table)
			err = readable.Scan(snap, "", "", 0, func(string, cbor.RawMessage) error { records++; return nil })
		}
		if ids == 0 || table.Sealed && records != ids {
			t.Errorf("%s has %d records, and %d can be read", table.Prefix, ids, records)
		}
		return err
	})
	if err != nil {
		t.Errorf("%s: %v", table.Prefix, err)
	}
}

// makeGoldenData makes a data directory by what users, administrators, applications and attackers do in some minutes.
func makeGoldenData(t *testing.T) {
	d := newAttackDay(t)
	d.populate(1)
	ctx, a := t.Context(), d.app
	d.atHome.signInto(d.registered)
	d.applications()
	d.administrators()
	_, err := a.directory.NewSetupLink(ctx)
	if err := errors.Join(err, a.tree.Advance(ctx), a.counts.Count(ctx)); err != nil {
		t.Fatal(err)
	}
	atHome := d.atHome
	atHome.act("the victim asks for help", http.StatusSeeOther, "/help/sent", "POST", "/help/request", "email", d.known.login(), "topic", "phone_lost", "message", "Stolen.")
	waiting := d.client("203.0.113.21")
	waiting.act("a transaction begins", http.StatusSeeOther, "/login/factor", "POST", "/login", "identifier", d.fresh.login(), "password", d.fresh.Password.Reveal())
	waiting.act("its page offers a code", http.StatusOK, "", "GET", "/login/together")
	waiting.act("it waits for a code", http.StatusSeeOther, "/login/together", "POST", "/login/together")
	d.client("198.51.100.2").attack("POST", "/login", "identifier", d.victim.login(), "password", "wrong")
	d.client("203.0.113.22").attack("POST", "/forgot", "identifier", d.victim.login())
	signedIn, code := secret.From(atHome.cookie("__Host-barillet")), secret.New()
	if _, err := a.sessions.NewReturnCode(ctx, account.RequestInfo{}, signedIn, "wiki.example", session.ForwardState(code)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.tree.Advance(ctx), d.removeRefusal()); err != nil {
		t.Fatal(err)
	}
	d.advance(time.Minute)
	d.client("203.0.113.23").signIn(d.fresh, "a user signs in, and the events wait for their numbers")
	d.advance(time.Minute)
	if err := errors.Join(store.Probe(ctx, a.dataDir.Store, d.clock()), a.dataDir.Store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := (bolt.Compaction{Path: filepath.Join(a.config.Data, datadir.StoreName), Before: func(bolt.Space) {}}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	login, err := json.MarshalIndent(goldenUser{d.clock(), d.known.login(), d.known.Password.Reveal(), d.known.Key.Reveal()}, "", "\t")
	if err == nil {
		err = errors.Join(os.MkdirAll(goldenData, 0o755), os.WriteFile(filepath.Join(goldenData, goldenLogin), append(login, '\n'), 0o644))
	}
	for _, name := range []string{datadir.StoreName, config.KeyName} {
		file, e := os.ReadFile(filepath.Join(a.config.Data, name))
		err = errors.Join(err, e, os.WriteFile(filepath.Join(goldenData, name), file, 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// removeRefusal removes the first refusal from the audit log, as the retention policy does.
func (d *attackDay) removeRefusal() error {
	log, s, ctx := d.app.accounts.Log, d.app.dataDir.Store, d.t.Context()
	var first []audit.Entry
	err := s.View(ctx, func(snap store.Snapshot) (err error) {
		first, _, err = log.Scan(snap, audit.Query{Limit: 1, Keep: func(e audit.Entry) bool { return e.Lane() == audit.LaneNoise }})
		return err
	})
	if err != nil {
		return err
	}
	if len(first) == 0 {
		return errors.New("the log has no refusal")
	}
	id := audit.NewID(d.clock())
	return s.Update(ctx, func(tx store.Tx) error {
		return errors.Join(log.Append(tx, id, audit.Removal(audit.LaneNoise, first[0].At.Add(time.Second), 1)), log.DropBody(tx, first[0].ID))
	})
}

// cookie returns the value of a cookie of the browser.
func (c *dayClient) cookie(name string) string {
	for _, cookie := range c.jar.Cookies(httptest.NewRequest(http.MethodGet, c.day.app.origin, nil).URL) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// applications does what applications do: they ask for a user code, push a request, authenticate by a key, and get a consent and
// the end of a session.
func (d *attackDay) applications() {
	t, a := d.t, d.app
	server := d.client("198.18.0.2")
	secrets := []string{"client_id", string(d.registered.ID), "client_secret", d.registered.Secret}
	server.act("a device asks for a user code", http.StatusOK, "", "POST", oidc.PathDevice, append(secrets, "scope", "openid")...)
	server.act("an application pushes a request", http.StatusCreated, "", "POST", oidc.PathPush, append(secrets, "response_type", "code", "redirect_uri", d.registered.Redirects[0],
		"scope", "openid", "state", "s", "nonce", "n", "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256")...)
	no, by := false, client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}, ReservedName: "Barillet"}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k", Algorithm: "EdDSA", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	keyed, err := a.oidc.Clients.Register(t.Context(), by, client.Registration{Name: "Report", Consent: &no, AuthMethod: "private_key_jwt", Keys: keys, Grants: []string{}, IntrospectsAll: true})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := json.Marshal(map[string]any{"iss": keyed.ID, "sub": keyed.ID, "aud": a.origin, "jti": "golden", "exp": d.clock().Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	server.act("a resource server authenticates by its key", http.StatusOK, "", "POST", oidc.PathIntrospect, "token", "none", "client_assertion", assertion,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	logout, err := a.oidc.Clients.Register(t.Context(), by, client.Registration{Name: "Stock", Redirects: []string{"https://stock.example/cb"}, Consent: &no, Scope: "openid offline_access",
		AuthMethod: "client_secret_post", Grants: []string{"authorization_code", "refresh_token"}, Alg: "ES256", Backchannel: "https://stock.example/logout"})
	if err != nil {
		t.Fatal(err)
	}
	d.insider.signInto(logout)
	d.insider.act("a user signs out of an application", http.StatusSeeOther, "", "POST", "/logout")
}

// administrators does what administrators do: they create users whose address exists, ask for an approval, delete a user.
func (d *attackDay) administrators() {
	t, a, ctx := d.t, d.app, d.t.Context()
	peer, gone := d.join("Paul", account.RoleUserAdmin), d.join("Jean", "")
	all := d.client("192.0.2.77")
	all.header.Set("Authorization", "SSWS "+d.token.Reveal())
	all.act("an administrator needs an approval", http.StatusAccepted, "", "POST", "/api/v1/users/"+peer.login()+"/lifecycle/reset_factors", "{}")
	d.admin.act("an administrator resets a user", http.StatusOK, "", "POST", "/api/v1/users/"+d.shift[0].login()+"/lifecycle/reset_factors", "{}")
	other, err := account.Update(ctx, a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: "Garage du Port"}
		if err := tx.CreateGroup(&g); err != nil {
			return g, err
		}
		u, err := tx.Find(d.fresh.login())
		if err != nil {
			return g, err
		}
		u.Devices = append(u.Devices, factors.Device{ID: "golden", Kind: "webauthn", Name: "YubiKey", Added: tx.Op.Now, Unique: "Z29sZGVu", Disabled: "clone", Data: json.RawMessage("{}")})
		return g, errors.Join(tx.ReserveUnique(u.ID, "Z29sZGVu"), tx.Save(&u), a.oidc.Tokens.AddConsent(tx.Raw, tx.Op.Now, u.ID, d.registered.ID, []string{"openid"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	scoped, _, err := a.directory.Admin.CreateToken(ctx, operator, account.RequestInfo{}, admin.NewToken{Name: "port", Role: account.RoleUserAdmin, Groups: []account.GroupID{other.ID}, TTL: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c := d.client("192.0.2.78")
	c.header.Set("Authorization", "SSWS "+scoped.Reveal())
	c.header.Set("Idempotency-Key", "golden")
	c.act("a scoped administrator invites a user of another group", http.StatusOK, "", "POST", "/api/v1/users?activate=true",
		`{"profile":{"login":"`+d.victim.login()+`","email":"`+d.victim.login()+`","firstName":"M","lastName":"L"},"groupIds":["`+string(other.ID)+`"]}`)
	all.act("a user is deactivated", http.StatusOK, "", "POST", "/api/v1/users/"+gone.login()+"/lifecycle/deactivate", "{}")
	all.act("a user is deleted", http.StatusNoContent, "", "DELETE", "/api/v1/users/"+gone.login())
}
