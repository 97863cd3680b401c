package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/cmd/barillet/datadir"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/bolt"
)

// subject is a user who is to be erased, and what must not remain of them.
type subject struct {
	*demoUser
	id, placeholder account.UserID
	needles         []string
}

const (
	subjectAddress = "203.0.113.188"
	subjectAgent   = "Vilebrequin/7.3"
)

// TestErasure_LeavesOnlyThePseudonym gives a user a record in each table that can name one, deletes the user, erases the events, and
// searches the keys and the decrypted records of the whole store, and its file after compact.
func TestErasure_LeavesOnlyThePseudonym(t *testing.T) {
	d := newAttackDay(t)
	d.populate(1)
	s := d.subject()
	if err := d.app.tree.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	named, identified := d.search(s.needles), d.search([]string{string(s.id)})
	for _, table := range personal {
		if len(named[table.Prefix])+len(identified[table.Prefix]) == 0 {
			t.Errorf("before the erasure %s does not name the user: the test shows nothing about it", table.Prefix)
		}
	}
	program := d.super("erasing")
	path := "/api/v1/users/" + string(s.id)
	program.act("the user is deactivated", http.StatusOK, "", "POST", path+"/lifecycle/deactivate", "{}")
	program.act("the user is deleted", http.StatusNoContent, "", "DELETE", path)
	for _, id := range []account.UserID{s.id, s.placeholder} {
		if complete, err := d.app.directory.Admin.EraseEvents(t.Context(), operator, string(id)); err != nil || !complete {
			t.Fatalf("erasing: %v, %v", complete, err)
		}
	}
	for range 3 {
		d.work()
		d.advance(time.Minute)
	}
	for prefix, lines := range d.search(s.needles) {
		if prefix != store.Approvals.Prefix && prefix != store.Idempotency.Prefix { // these live for a day
			t.Errorf("at once, %s names the user:\n%s", prefix, strings.Join(lines, "\n"))
		}
	}
	for range 25 {
		d.advance(time.Hour)
		d.work()
	}
	for prefix, lines := range d.search(s.needles) {
		t.Errorf("after a day, %s names the user:\n%s", prefix, strings.Join(lines, "\n"))
	}
	if left := d.search([]string{string(s.id)}); len(left[store.AuditEntities.Prefix]) < 10 {
		t.Errorf("the log lost the pseudonym, and with it who did what: %v", left)
	}
	d.compacted(s)
}

// personal lists the tables that name the subject before the erasure, by a needle or the id.
var personal = []store.TableDef{
	store.Users, store.Summaries, store.Addresses, store.Placeholders, store.Names, store.Members, store.RoleHolders, store.UserStates, store.Uniques,
	store.Transactions, store.Links, store.Sessions, store.Forwards, store.HelpRequests, store.Approvals, store.Handovers,
	store.Refreshes, store.Accesses, store.Grants, store.Consents, store.Logouts, store.Idempotency, store.Outbox, store.Audit, store.AuditEntities,
}

// subject creates the user and all records.
func (d *attackDay) subject() *subject {
	t, a, ctx := d.t, d.app, d.t.Context()
	s := &subject{demoUser: d.join("Quentin", account.RoleUserAdmin)}
	home := d.client(subjectAddress)
	home.header.Set("User-Agent", subjectAgent)
	d.advance(time.Minute)
	home.signIn(s.demoUser, "the subject signs in")
	home.signInto(d.registered)
	d.profile(s)
	logout := d.logoutClient()
	other := d.client(subjectAddress)
	other.header.Set("User-Agent", subjectAgent)
	d.advance(time.Minute)
	other.signIn(s.demoUser, "the subject signs in again")
	other.signInto(logout)
	other.act("the subject signs out", http.StatusSeeOther, "", "POST", "/logout")
	_, err := a.sessions.NewReturnCode(ctx, account.RequestInfo{}, secret.From(home.cookie("__Host-barillet")), "wiki.example", session.ForwardState(secret.New()))
	if err != nil {
		t.Fatal(err)
	}
	home.act("the subject asks for help", http.StatusSeeOther, "/help/sent", "POST", "/help/request", "email", s.login(), "topic", "phone_lost", "message", "Mon vilebrequin est cassé.")
	home.attack("POST", "/forgot", "identifier", s.login())
	stranger := d.client(subjectAddress)
	stranger.attack("POST", "/login", "identifier", s.login(), "password", "wrong")
	waiting := d.client(subjectAddress)
	waiting.header.Set("User-Agent", subjectAgent)
	waiting.act("a transaction begins", http.StatusSeeOther, "/login/factor", "POST", "/login", "identifier", s.login(), "password", s.Password.Reveal())
	waiting.act("its page offers a code", http.StatusOK, "", "GET", "/login/together")
	waiting.act("it waits for a code", http.StatusSeeOther, "/login/together", "POST", "/login/together")
	d.administer(s)
	s.needles = []string{s.login(), "quentin", "vilebrequin", "+33612345699", "612345699", subjectAddress, "second.q@", "bielle-matricule", "Clé de Q"}
	return s
}

// profile gives the subject addresses, numbers, custom members, a key and a consent.
func (d *attackDay) profile(s *subject) {
	_, err := account.Update(d.t.Context(), d.app.accounts, d.app.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.Find(s.login())
		if err != nil {
			return struct{}{}, err
		}
		s.id = u.ID
		u.SetSecondEmail("second.q@garage.example")
		u.PrimaryPhone.Set("+33612345699")
		u.Profile = json.RawMessage(`{"badge":"bielle-matricule"}`)
		u.Devices = append(u.Devices, factors.Device{ID: "golden", Kind: "webauthn", Name: "Clé de Q", Added: tx.Op.Now, Unique: "Z29sZGVu", Data: json.RawMessage("{}")})
		return struct{}{}, errors.Join(tx.ReserveUnique(u.ID, "Z29sZGVu"), tx.Save(&u), d.app.oidc.Tokens.AddConsent(tx.Raw, tx.Op.Now, u.ID, d.registered.ID, []string{"openid"}))
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// logoutClient registers an application that learns of the end of a session, and does not answer.
func (d *attackDay) logoutClient() client.Information {
	no := false
	by := client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}, ReservedName: "Barillet"}
	app, err := d.app.oidc.Clients.Register(d.t.Context(), by, client.Registration{Name: "Stock", Redirects: []string{"https://stock.example/cb"}, Consent: &no, Scope: "openid offline_access",
		AuthMethod: "client_secret_post", Grants: []string{"authorization_code", "refresh_token"}, Alg: "ES256", Backchannel: "https://stock.example/logout"})
	if err != nil {
		d.t.Fatal(err)
	}
	return app
}

// administer does what administrators do about the subject: an approval, a note, a stored answer, a placeholder of the same address, a token.
func (d *attackDay) administer(s *subject) {
	t, a, ctx := d.t, d.app, d.t.Context()
	super := d.super("super")
	super.header.Set("Idempotency-Key", "subject")
	super.act("an administrator changes the subject", http.StatusOK, "", "POST", "/api/v1/users/"+s.login(), `{"profile":{"nickName":"Bielle-matricule"}}`)
	all := d.client("192.0.2.77")
	all.header.Set("Authorization", "SSWS "+d.token.Reveal())
	all.act("an administrator needs an approval", http.StatusAccepted, "", "POST", "/api/v1/users/"+s.login()+"/lifecycle/reset_factors", "{}")
	if _, _, err := a.directory.Admin.CreateToken(ctx, operator, account.RequestInfo{}, admin.NewToken{Name: "tool", Role: account.RoleUserAdmin, Owner: s.login(), TTL: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	other, err := account.Update(ctx, a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: "Garage du Port"}
		return g, tx.CreateGroup(&g)
	})
	if err != nil {
		t.Fatal(err)
	}
	scoped := d.programWith(admin.NewToken{Name: "port", Role: account.RoleUserAdmin, Groups: []account.GroupID{other.ID}, TTL: 48 * time.Hour})
	invited := scoped.act("a scoped administrator invites the subject elsewhere", http.StatusOK, "", "POST", "/api/v1/users?activate=true",
		`{"profile":{"login":"`+s.login()+`","email":"`+s.login()+`","firstName":"Quentin","lastName":"L"},"groupIds":["`+string(other.ID)+`"]}`)
	var created struct{ ID account.UserID }
	if err := json.Unmarshal([]byte(invited.body), &created); err != nil {
		t.Fatal(err)
	}
	s.placeholder = created.ID
}

// super returns a program with a new API token of a SUPER_ADMIN.
func (d *attackDay) super(name string) *dayClient {
	return d.programWith(admin.NewToken{Name: name, Role: account.RoleSuperAdmin, TTL: 48 * time.Hour})
}

// programWith returns a program with a new API token of the operator.
func (d *attackDay) programWith(n admin.NewToken) *dayClient {
	token, _, err := d.app.directory.Admin.CreateToken(d.t.Context(), operator, account.RequestInfo{}, n)
	if err != nil {
		d.t.Fatal(err)
	}
	c := d.client("192.0.2.79")
	c.header.Set("Authorization", "SSWS "+token.Reveal())
	return c
}

// search returns the records of each table that contain one of the texts, in the key or decrypted, without case.
func (d *attackDay) search(texts []string) map[string][]string {
	d.t.Helper()
	found, ring := map[string][]string{}, d.app.dataDir.Ring
	err := d.app.dataDir.Store.View(d.t.Context(), func(snap store.Snapshot) error {
		for _, table := range store.TableDefs() {
			visit := func(id string, record []byte) error {
				for _, text := range texts {
					if strings.Contains(strings.ToLower(table.Prefix+id+" "+string(record)), strings.ToLower(text)) {
						found[table.Prefix] = append(found[table.Prefix], fmt.Sprintf("%q in %s: %.1500q", text, id, record))
					}
				}
				return nil
			}
			var err error
			if table.Sealed {
				readable := store.NewTable[cbor.RawMessage](ring, table)
				err = readable.Scan(snap, "", "", 0, func(id string, record cbor.RawMessage) error { return visit(id, record) })
			} else {
				err = snap.Scan(table.Prefix, "", 0, visit)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

// compacted closes the store, compacts it, and searches the file for what its keys have in clear. The log verifies.
func (d *attackDay) compacted(s *subject) {
	t, data := d.t, d.app.config.Data
	if err := errors.Join(d.app.tree.Advance(t.Context()), d.app.dataDir.Store.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, datadir.StoreName)
	if _, err := (bolt.Compaction{Path: path, Before: func(bolt.Space) {}}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range s.needles {
		if strings.Contains(strings.ToLower(string(file)), strings.ToLower(text)) {
			t.Errorf("the compacted file contains %q", text)
		}
	}
	var stdout, stderr strings.Builder
	if err := run(t.Context(), []string{"audit", "verify", "--data", data}, strings.NewReader(""), &stdout, &stderr); err != nil {
		t.Errorf("audit verify: %v\n%s%s", err, stdout.String(), stderr.String())
	}
}
