package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/authn/password"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/secret"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

var operator = admin.Principal{ID: "operator:day", Name: "Barillet", Owner: "operator:day", Role: account.RoleSuperAdmin, Operator: true, CanSeeSecrets: true}

// attackDay is the service, its attackers and its honest users, in simulated time.
type attackDay struct {
	t     *testing.T
	app   *app
	pages http.Handler
	sweep *store.Sweeper
	demo  *demo
	box   mail.MemoryTransport
	start time.Time

	mu  sync.Mutex
	now time.Time

	admin, insider       *dayClient
	victim, known, fresh *demoUser
	shift                []*demoUser
	atHome               *dayClient // the known browser
	registered           client.Information
	device               string // of the insider
	token                secret.Value
	asked                string // the reference of the help request from the known browser, among those of others in the same name

	sent, refused, honest int
	calls                 int // of the webhook
}

func (d *attackDay) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *attackDay) since() time.Duration { return d.clock().Sub(d.start) }

func (d *attackDay) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// TestAttack_ADayOfEverythingAtOnce lets attackers send each kind of request each minute, as much as the budgets allow and more.
// No honest act is refused, each table stays below its ceiling, and compact gives the space back. It lasts two simulated hours,
// and with BARILLET_TORTURE=1 a day.
func TestAttack_ADayOfEverythingAtOnce(t *testing.T) {
	minutes := 120
	if os.Getenv("BARILLET_TORTURE") != "" {
		minutes = 24 * 60
	}
	d := newAttackDay(t)
	d.populate(30)
	for minute := range minutes {
		d.attackers(minute)
		d.honestUsers(minute, minutes)
		d.work()
		d.advance(time.Minute - d.since()%time.Minute)
		if minute%60 == 59 {
			t.Logf("%v: %d attacks, %d refused, %d honest requests, %d webhook calls, %d emails", d.since(), d.sent, d.refused, d.honest, d.calls, len(d.box.List()))
		}
	}
	d.check(minutes)
}

func newAttackDay(t *testing.T) *attackDay {
	t.Helper()
	return openAttackDay(t, filepath.Join(storetest.Dir(t), "data"), time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC))
}

// openAttackDay opens a data directory, or makes it.
func openAttackDay(t *testing.T, data string, start time.Time) *attackDay {
	t.Helper()
	d := &attackDay{t: t, demo: &demo{}, start: start, now: start}
	testingOnlyNow = d.clock
	t.Cleanup(func() { testingOnlyNow = nil })
	d.app = newTestApp(t, data)
	var err error
	if d.app.accounts.Hasher, err = password.NewHasher(d.app.dataDir.Keys.Pepper, password.Policy{MinMemory: 64, Cost: password.Cost{Memory: 64, Time: 1, Threads: 1}}); err != nil {
		t.Fatal(err)
	}
	d.app.sender.Transport = &d.box
	if d.pages, err = d.app.pages(d.app.config, d.app.renderer.Load(), nil); err != nil {
		t.Fatal(err)
	}
	d.sweep = d.app.sweeper(0)
	return d
}

// populate creates the users, a webhook, an application and what the attackers have stolen. The shift has so many users.
func (d *attackDay) populate(shift int) {
	t, a := d.t, d.app
	group, err := account.Update(t.Context(), a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: "Garage du Barillet"}
		return g, tx.CreateGroup(&g)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.demo.group = group
	anne, thief := d.join("Anne", account.RoleHelpDesk), d.join("Igor", "")
	d.victim, d.known, d.fresh = d.join("Marc", ""), d.join("Karim", ""), d.join("Lucie", "")
	for n := range shift {
		d.shift = append(d.shift, d.join(fmt.Sprintf("Tech%02d", n), ""))
	}
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { d.mu.Lock(); d.calls++; d.mu.Unlock() }))
	t.Cleanup(hook.Close)
	if _, _, err := a.directory.Admin.CreateWebhook(t.Context(), operator, account.RequestInfo{}, admin.NewWebhook{Name: "pager", URL: hook.URL, Events: []string{"*"}, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	if err := a.oidc.Keys.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	no := false
	d.registered, err = a.oidc.Clients.Register(t.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}, ReservedName: "Barillet"},
		client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, Consent: &no, Scope: "openid offline_access", AuthMethod: "client_secret_post",
			Grants: []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}, Alg: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	if d.token, _, err = a.directory.Admin.CreateToken(t.Context(), operator, account.RequestInfo{}, admin.NewToken{Name: "stolen", Role: account.RoleUserAdmin, TTL: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	helpDesk, _, err := a.directory.Admin.CreateToken(t.Context(), operator, account.RequestInfo{}, admin.NewToken{Name: "Anne", Role: account.RoleHelpDesk, Owner: anne.login(), TTL: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	d.admin = d.client("203.0.113.9")
	d.admin.header.Set("Authorization", "SSWS "+helpDesk.Reveal())
	d.advance(time.Minute)
	d.insider, d.atHome = d.client("198.51.100.66"), d.client("203.0.113.20")
	d.insider.signIn(thief, "the insider signs in")
	d.atHome.signIn(d.known, "the first sign-in of the known browser")
	d.advance(time.Minute - d.since()%time.Minute)
	d.start = d.clock()
}

// work runs one pass of each worker.
func (d *attackDay) work() {
	d.t.Helper()
	ctx := d.t.Context()
	_, mails := d.app.sender.RunOnce(ctx)
	_, hooks := d.app.webhooks.RunOnce(ctx)
	_, swept := d.sweep.Run(ctx)
	err := errors.Join(mails, hooks, swept, d.app.tree.Advance(ctx), d.app.oidc.Tokens.EndRevokedGrants(ctx), d.app.flushTimes(ctx), d.app.accounts.FlushRefusals(ctx, false))
	if err != nil {
		d.t.Fatalf("%v: %v", d.since(), err)
	}
}

// attackers sends the attacks of a minute.
func (d *attackDay) attackers(minute int) {
	n := minute * 8
	for i := range 8 { // a stolen password and no device
		c := d.client(v4(n+i, i))
		c.attack("POST", "/login", "identifier", d.victim.login(), "password", d.victim.Password.Reveal())
		c.attack("GET", "/login/factor")
		c.attack("POST", "/login/factor", "code", "no code")
		c.attack("POST", "/login/factor", "code", fmt.Sprintf("%06d", n*7+i))
	}
	for i := range 8 { // passwords
		for _, name := range []string{d.victim.login(), d.known.login(), fmt.Sprintf("nobody%d@garage.example", n+i)} {
			d.client(v4(20_000+n+i, i)).attack("POST", "/login", "identifier", name, "password", "wrong")
		}
	}
	for i := range 5 { // help requests and forgotten passwords
		for _, c := range []*dayClient{d.client(v6(n + i)), d.client(v4(40_000+n+i, 1))} {
			c.attack("POST", "/help/request", "email", d.known.login(), "topic", "phone_lost", "message", fmt.Sprint("please reset ", n+i))
			c.attack("POST", "/help/request", "email", fmt.Sprintf("n%d@else.example", n+i), "topic", "phone_lost", "message", strings.Repeat("x", 900))
			c.attack("POST", "/forgot", "identifier", d.victim.login())
			c.attack("POST", "/forgot", "identifier", fmt.Sprintf("n%d@else.example", n+i))
		}
	}
	app := []string{"client_id", string(d.registered.ID), "client_secret", d.registered.Secret}
	request := []string{"response_type", "code", "redirect_uri", d.registered.Redirects[0], "scope", "openid", "state", "s", "nonce", "n",
		"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256"}
	query := "?client_id=" + string(d.registered.ID)
	for i := 0; i < len(request); i += 2 {
		query += "&" + request[i] + "=" + request[i+1]
	}
	for i := range 6 { // a stolen secret of a client
		c := d.client(v4(60_000+n+i, 1))
		c.attack("GET", oidc.PathAuthorize+query)
		c.attack("POST", oidc.PathPush, append(app, request...)...)
		c.attack("POST", oidc.PathDevice, append(app, "scope", "openid")...)
		c.attack("POST", oidc.PathToken, append(app, "grant_type", "authorization_code", "code", "none", "redirect_uri", d.registered.Redirects[0])...)
	}
	d.thieves(minute)
}

// deviceLink finds the device that the account page lists.
var deviceLink = regexp.MustCompile(`/account/devices/([^/"]+)/rename`)

// thieves sends the attacks of a minute with a session and with an API token.
func (d *attackDay) thieves(minute int) {
	if minute%50 == 0 || d.device == "" { // it goes on after the session has ended
		if found := deviceLink.FindStringSubmatch(d.insider.send("GET", "/account").body); found != nil {
			d.device = found[1]
		}
	}
	for i := range 8 {
		d.insider.attack("POST", "/account/devices/"+d.device+"/rename", "name", fmt.Sprint("phone ", minute*8+i))
		d.insider.attack("POST", "/account/prove", "code", "no code", "next", "/account")
	}
	c := d.client("192.0.2.77")
	c.header.Set("Authorization", "SSWS "+d.token.Reveal())
	for i := range 16 {
		c.header.Set("Idempotency-Key", fmt.Sprint("k-", minute, "-", i))
		c.attack("POST", "/api/v1/users/"+d.shift[0].login(), fmt.Sprintf(`{"profile":{"nickName":"n%d"}}`, minute*16+i))
	}
	c.header.Del("Idempotency-Key")
	for range 4 {
		c.attack("GET", "/api/v1/users?limit=5")
		c.attack("GET", "/api/v1/logs?limit=1")
	}
}

// honestUsers does what the honest users do in a minute.
func (d *attackDay) honestUsers(minute, minutes int) {
	switch minute {
	case minutes / 6, minutes * 2 / 3: // thirty behind one router, within the minute
		for _, u := range d.shift[1:] {
			d.client("203.0.113.50").signIn(u, "a technician of a shift signs in")
			d.advance(time.Second)
		}
	case minutes / 3:
		asked := d.atHome.act("the victim asks for help", http.StatusSeeOther, "/help/sent", "POST", "/help/request", "email", d.known.login(), "topic", "phone_lost",
			"message", "My phone was stolen, this is Karim.")
		_, d.asked, _ = strings.Cut(asked.location, "reference=")
	case minutes / 2:
		d.admin.act("an administrator resets a user", http.StatusOK, "", "POST", "/api/v1/users/"+d.shift[0].login()+"/lifecycle/reset_factors", "{}")
	}
	if minute%60 == 30 {
		d.atHome.act("the known browser signs out", http.StatusSeeOther, "", "POST", "/logout")
		d.atHome.signIn(d.known, "the known browser signs in")
		d.atHome.signInto(d.registered)
		d.client(v4(70_000+minute, 1)).signIn(d.fresh, "a user without a known browser signs in")
	}
}

// check compares what is left with the ceilings, and compacts the store.
func (d *attackDay) check(minutes int) {
	t, a, ctx := d.t, d.app, d.t.Context()
	if d.calls < 100 || len(d.box.List()) < 100 {
		t.Errorf("the webhook got %d calls, and %d emails were sent", d.calls, len(d.box.List()))
	}
	if d.refused == 0 || d.refused == d.sent {
		t.Errorf("%d of %d attacks were refused", d.refused, d.sent)
	}
	found, _, err := a.directory.HelpDesk.Requests(ctx, operator, helpdesk.RequestQuery{Reference: d.asked})
	if err != nil || len(found) != 1 || !strings.Contains(fmt.Sprintf("%+v", found), "this is Karim") {
		t.Errorf("the victim's help request %q: got %+v, %v", d.asked, found, err)
	}
	if err := errors.Join(a.accounts.FlushRefusals(ctx, true), a.tree.Advance(ctx)); err != nil {
		t.Fatal(err)
	}
	counts, err := storetest.Count(ctx, a.dataDir.Store)
	if err != nil {
		t.Fatal(err)
	}
	population := map[store.Scope]int{store.PerUser: counts[store.Users.Prefix], store.PerGroup: counts[store.Groups.Prefix], store.PerClient: counts[store.Clients.Prefix],
		store.PerToken: counts[store.Tokens.Prefix], store.PerWebhook: 1, store.PerSession: counts[store.Sessions.Prefix], store.PerGrant: counts[store.Grants.Prefix]}
	all := 0
	for _, table := range store.TableDefs() {
		n, limit := counts[table.Prefix], table.Ceiling.Of(population)
		if all += n; n > limit {
			t.Errorf("%s has %d records, more than %d", table.Prefix, n, limit)
		}
		t.Logf("%-20s %8d of %d", table.Prefix, n, limit)
	}
	live := 0
	if err := a.dataDir.Store.View(ctx, func(s store.Snapshot) error {
		return s.Scan("", "", 0, func(key string, value []byte) error { live += len(key) + len(value); return nil })
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.dataDir.Store.Close(); err != nil {
		t.Fatal(err)
	}
	d.compact(minutes, all, int64(live))
}

// compact bounds the size of the file before and after compact, and verifies the audit log.
func (d *attackDay) compact(minutes, records int, live int64) {
	t, data := d.t, d.app.config.Data
	path := filepath.Join(data, datadir.StoreName)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := bolt.Compaction{Path: path, Before: func(bolt.Space) {}}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	const mib = 1 << 20
	t.Logf("%d simulated minutes: %d attacks, %d refused, %d honest requests, none refused; %d records, %.1f MiB, %.1f MiB after compact, %.1f MiB of data",
		minutes, d.sent, d.refused, d.honest, records, float64(before.Size())/mib, float64(after)/mib, float64(live)/mib)
	if limit := int64(32*mib + minutes*mib/4); before.Size() > limit {
		t.Errorf("the file has %d bytes, more than %d", before.Size(), limit)
	}
	if after > live*2+mib {
		t.Errorf("after compact the file has %d bytes for %d of data", after, live)
	}
	var stdout, stderr strings.Builder
	if err := run(t.Context(), []string{"audit", "verify", "--data", data}, strings.NewReader(""), &stdout, &stderr); err != nil {
		t.Errorf("audit verify: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	t.Logf("audit verify:\n%s", stdout.String())
}
