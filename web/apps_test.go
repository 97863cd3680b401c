package web_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	relying "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
	"barillet/web"
)

// callback is where the applications of these tests take their answers.
const callback = "https://app.example/cb?from=test"

// app is an application of a place: an independent client (coreos/go-oidc over x/oauth2) with its registration.
type app struct {
	client.Information
	place    *place
	http     *http.Client
	provider *relying.Provider
	config   oauth2.Config
}

// apps returns the applications of a service.
func apps(t testing.TB, c *web.Config, change func(*oidc.Config)) *oidc.Provider {
	t.Helper()
	s := c.Accounts
	conf := oidc.Config{Store: s.Store, Keyring: ringOf(c), Pepper: s.Pepper, Accounts: s, Sessions: c.Sessions, Issuer: c.PublicURL, Now: c.Now, Errors: c.Log}
	if change != nil {
		change(&conf)
	}
	provider, err := oidc.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	lendKeys(t, provider, conf)
	return provider
}

// lent has the signing keys of the first provider of these tests: an RSA key takes up to a second to make.
var lent struct {
	once sync.Once
	sets map[string]keys.Set // by algorithm
}

// lendKeys stores the signing keys that all providers of these tests share, as if the provider had made them now.
func lendKeys(t testing.TB, provider *oidc.Provider, conf oidc.Config) {
	t.Helper()
	table := store.NewTable[keys.Set](conf.Keyring, store.SignKeys)
	lent.once.Do(func() {
		if err := provider.Keys.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		lent.sets = map[string]keys.Set{}
		err := conf.Store.View(t.Context(), func(s store.Snapshot) error {
			return table.Scan(s, "", "", 0, func(alg string, set keys.Set) error {
				lent.sets[alg] = set
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	now := conf.Now().UTC()
	err := conf.Store.Update(t.Context(), func(tx store.Tx) error {
		for alg, set := range lent.sets {
			fresh := slices.Clone(set.Keys)
			for i := range fresh {
				fresh[i].Created, fresh[i].NotBefore = now, now
			}
			if err := table.Put(tx, alg, keys.Set{Keys: fresh}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// appPlace is a place that serves applications.
func appPlace(t testing.TB, change func(*oidc.Config)) (*place, *oidc.Provider) {
	t.Helper()
	var provider *oidc.Provider
	p := open(t, func(c *web.Config) {
		provider = apps(t, c, change)
		c.OIDC = provider
	})
	return p, provider
}

// rings contains the keyrings of the services of config, by their service: web.Config has none of its own.
var rings sync.Map

func ringOf(c *web.Config) *store.Keyring {
	r, ok := rings.Load(c.Accounts)
	if !ok {
		panic("config does not know the service")
	}
	return r.(*store.Keyring)
}

// program is an HTTP client of no cookies that reaches the place under its public name and follows nothing.
func (p *place) program() *http.Client {
	address := p.server.Listener.Addr().String()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	p.T.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// by is the operator who registers in these tests.
var by = client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}, ReservedName: "Garage Lumiere"}

// usual is a web application with a secret, trusted by the service: no consent, every scope.
func usual() client.Registration {
	no := false
	return client.Registration{Name: "Planning", Redirects: []string{callback}, PostLogoutRedirects: []string{"https://app.example/bye"}, Consent: &no,
		Scope: "openid profile email offline_access address phone", Grants: []string{"authorization_code", "refresh_token"}, Alg: "ES256"}
}

func (p *place) app(t testing.TB, provider *oidc.Provider, change func(*client.Registration)) *app {
	t.Helper()
	r := usual()
	if change != nil {
		change(&r)
	}
	registered, err := provider.Clients.Register(t.Context(), by, r)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{Information: registered, place: p, http: p.program()}
	if a.provider, err = relying.NewProvider(a.ctx(), p.url); err != nil {
		t.Fatal(err)
	}
	a.config = oauth2.Config{ClientID: string(registered.ID), ClientSecret: registered.Secret, Endpoint: a.provider.Endpoint(), Scopes: strings.Fields(r.Scope)}
	a.config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if registered.AuthMethod != "client_secret_basic" {
		a.config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	if len(r.Redirects) > 0 {
		a.config.RedirectURL = r.Redirects[0]
	}
	return a
}

func (a *app) ctx() context.Context { return relying.ClientContext(a.place.T.Context(), a.http) }

// begin is where the application sends a browser, with further parameters in turn.
func (a *app) begin(verifier string, more ...string) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1")}
	for i := 0; i+1 < len(more); i += 2 {
		options = append(options, oauth2.SetAuthURLParam(more[i], more[i+1]))
	}
	return strings.TrimPrefix(a.config.AuthCodeURL("state-1", options...), a.place.url)
}

// back is what came back to the application.
func back(t testing.TB, location string) url.Values {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, "https://app.example/cb?") {
		t.Fatalf("got sent to %q, want the application", location)
	}
	return u.Query()
}

// code signs in silently and returns the code.
func (a *app) code(b *browser, verifier string, more ...string) string {
	a.place.T.Helper()
	res := b.get(a.begin(verifier, more...))
	q := back(a.place.T, res.next())
	if q.Get("code") == "" || q.Get("state") != "state-1" || q.Get("iss") != a.place.url || q.Get("from") != "test" {
		a.place.T.Fatalf("got %v, want code, state, iss and the query of the registered URI", q)
	}
	return q.Get("code")
}

// tokens goes through the whole flow.
func (a *app) tokens(b *browser, more ...string) *oauth2.Token {
	a.place.T.Helper()
	verifier := oauth2.GenerateVerifier()
	tok, err := a.config.Exchange(a.ctx(), a.code(b, verifier, more...), oauth2.VerifierOption(verifier))
	if err != nil {
		a.place.T.Fatal(err)
	}
	return tok
}

// idToken verifies the ID token as the client library does.
func (a *app) idToken(tok *oauth2.Token) (*relying.IDToken, map[string]any) {
	a.place.T.Helper()
	raw, _ := tok.Extra("id_token").(string)
	verifier := a.provider.VerifierContext(a.ctx(), &relying.Config{ClientID: string(a.ID), Now: a.place.Clock.Now,
		SupportedSigningAlgs: []string{"RS256", "ES256", "EdDSA"}})
	id, err := verifier.Verify(a.ctx(), raw)
	if err != nil {
		a.place.T.Fatalf("verifying an ID token: %v", err)
	}
	if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
		a.place.T.Fatalf("at_hash: %v", err)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		a.place.T.Fatal(err)
	}
	return id, claims
}

// alive reports whether userinfo takes an access token.
func (a *app) alive(token string) bool {
	a.place.T.Helper()
	_, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token, TokenType: "Bearer"}))
	return err == nil
}

// refused is the error of the protocol in what x/oauth2 returns.
func refused(t testing.TB, err error) string {
	t.Helper()
	e, ok := err.(*oauth2.RetrieveError)
	if !ok {
		t.Fatalf("got %v, want an error of the token endpoint", err)
	}
	return e.ErrorCode
}

func signedIn(p *place, address string) (account.User, *authntest.Phone, *browser) {
	u, phone, _ := p.Member(address, nil)
	b := p.browser(p.T)
	b.signIn(address, phone)
	return u, phone, b
}

func TestSignIn_ByAnIndependentClientLibrary(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, func(r *client.Registration) { r.Alg = alg })
			u, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.FirstName, u.LastName = "Léa", "Vasseur" })
			b := p.browser(t)
			verifier := oauth2.GenerateVerifier()

			res := b.get(a.begin(verifier))
			if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.next(), "/login?next=") {
				t.Fatalf("got %d to %q, want the sign-in", res.StatusCode, res.next())
			}
			login := b.shows(res.next())
			if !strings.Contains(login.body, "Planning") {
				t.Error("the sign-in page does not say which application it leads to")
			}
			next, _ := url.Parse(res.next())
			b.goes("/login/factor", "/login", "identifier", "lea@garage.example", "password", authntest.Password, "next", next.Query().Get("next"))
			on := b.goes(next.Query().Get("next"), "/login/factor", "code", string(phone.Next()))
			page := b.shows(on.next())
			to, ok := strings.CutPrefix(page.Header.Get("Refresh"), "0; url=")
			if !ok || !strings.Contains(page.body, "Planning") {
				t.Fatalf("got no page that goes on: %v\n%s", page.Header, page.body)
			}
			q := back(t, to)
			tok, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			id, claims := a.idToken(tok)
			if id.Subject != string(u.ID) || id.Nonce != "n-1" || claims["acr"] != "urn:barillet:acr:aal2" || claims["azp"] != string(a.ID) || claims["sid"] == "" {
				t.Errorf("got subject %q, claims %v", id.Subject, claims)
			}
			if got := int64(claims["auth_time"].(float64)); got != p.Clock.Now().Unix() {
				t.Errorf("auth_time: got %d, want now, %d", got, p.Clock.Now().Unix())
			}
			info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
			if err != nil {
				t.Fatal(err)
			}
			userinfo := map[string]any{}
			if err := info.Claims(&userinfo); err != nil {
				t.Fatal(err)
			}
			if info.Subject != string(u.ID) || info.Email != "lea@garage.example" || userinfo["name"] != "Léa Vasseur" || userinfo["email_verified"] != true {
				t.Errorf("userinfo: got %v", userinfo)
			}
			if tok.RefreshToken == "" || tok.TokenType != "Bearer" || time.Until(tok.Expiry) > time.Hour {
				t.Errorf("got %+v", tok)
			}
			again := b.get(on.next())
			if again.StatusCode != http.StatusBadRequest {
				t.Errorf("the page loaded twice: got %d, want 400 and no second code", again.StatusCode)
			}
		})
	}
}

func TestCode_ConcurrentExchangesIssueOneTokenSetAndRevokeIt(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	code := a.code(b, verifier)
	won := race(t, 24, func() (*oauth2.Token, error) {
		return a.config.Exchange(a.ctx(), code, oauth2.VerifierOption(verifier))
	})
	if len(won) != 1 {
		t.Fatalf("got %d token sets, want 1", len(won))
	}
	if a.alive(won[0].AccessToken) {
		t.Error("the tokens of a code that was used twice are still good")
	}
}

func TestRefreshToken_SixRequestsAtOnceStaySignedIn(t *testing.T) {
	p, provider := appPlace(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	for method, want := range map[string]int{client.AuthBasic: 6, client.AuthNone: 1} {
		t.Run(method, func(t *testing.T) {
			a := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = method })
			tok := a.tokens(b)
			won := race(t, 6, func() (*oauth2.Token, error) { return a.refresh(tok.RefreshToken) })
			if len(won) != want {
				t.Fatalf("got %d token sets, want %d", len(won), want)
			}
			for _, got := range won {
				if got.RefreshToken != won[0].RefreshToken || !a.alive(got.AccessToken) {
					t.Error("another branch of refresh tokens, or a dead access token")
				}
			}
			p.Clock.Advance(11 * time.Second)
			if _, err := a.refresh(tok.RefreshToken); refused(t, err) != "invalid_grant" {
				t.Errorf("a used refresh token: got %v, want invalid_grant", err)
			}
			if a.alive(won[0].AccessToken) {
				t.Error("the grant lives after a refresh token was used again, later")
			}
			if _, err := a.refresh(won[0].RefreshToken); refused(t, err) != "invalid_grant" {
				t.Errorf("the newest refresh token of a dead family: got %v, want invalid_grant", err)
			}
		})
	}
}

// race does one thing many times at once and returns what succeeded; what did not is invalid_grant.
func race(t *testing.T, n int, do func() (*oauth2.Token, error)) []*oauth2.Token {
	t.Helper()
	var mu sync.Mutex
	var won []*oauth2.Token
	var all sync.WaitGroup
	start := make(chan struct{})
	for range n {
		all.Go(func() {
			<-start
			tok, err := do()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, tok)
			} else if got := refused(t, err); got != "invalid_grant" {
				t.Errorf("a loser: got %q, want invalid_grant", got)
			}
		})
	}
	close(start)
	all.Wait()
	return won
}
