package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/oidc"
	"barillet/oidc/client"
)

// silent is a request of prompt=none, and the error that comes back; "" for a code.
func (a *app) silent(b *browser, more ...string) string {
	a.place.T.Helper()
	q := back(a.place.T, b.get(a.begin(oauth2.GenerateVerifier(), append(more, "prompt", "none")...)).next())
	if q.Get("error") == "" && q.Get("code") == "" || q.Get("state") != "state-1" {
		a.place.T.Fatalf("got %v", q)
	}
	return q.Get("error")
}

// onward is where a page leads on to by itself.
func onward(t testing.TB, res page) string {
	t.Helper()
	to, ok := strings.CutPrefix(res.Header.Get("Refresh"), "0; url=")
	if !ok || res.StatusCode != http.StatusOK {
		t.Fatalf("got %d to %q, want a page that goes on", res.StatusCode, res.next())
	}
	return to
}

// proves goes through the proof that a request leads to, by a phone, and gives what the application gets.
func (a *app) proves(b *browser, phone *authntest.Phone, begin string) url.Values {
	a.place.T.Helper()
	res := b.get(begin)
	u, err := url.Parse(res.next())
	if err != nil || u.Path != "/account/prove" {
		a.place.T.Fatalf("got %d to %q, want the proof", res.StatusCode, res.next())
	}
	next := u.Query().Get("next")
	if asked := b.shows(res.next()); !strings.Contains(asked.body, "asks you to confirm your identity again") {
		a.place.T.Error("the page of the step-up does not name the application")
	}
	b.goes(next, "/account/prove", "code", string(phone.Next()), "next", next)
	return back(a.place.T, onward(a.place.T, b.get(next)))
}

// isShut reports whether the page states that the policy of the application denies access.
func (a *app) isShut(b *browser) string {
	a.place.T.Helper()
	res := b.get(a.begin(oauth2.GenerateVerifier()))
	if res.StatusCode != http.StatusForbidden || !strings.Contains(res.body, a.Name) {
		a.place.T.Errorf("got %d to %q, want a page", res.StatusCode, res.next())
	}
	return res.body
}

func TestAuthorize_PromptNoneShowsNoPage(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	if got := a.silent(p.browser(t)); got != "login_required" {
		t.Errorf("signed out: got %q, want login_required", got)
	}
	_, _, b := signedIn(p, "lea@garage.example")
	if got := a.silent(b); got != "" {
		t.Errorf("signed in: got %q, want a code", got)
	}
	p.Clock.Advance(10 * time.Minute)
	if got := a.silent(b, "max_age", "60"); got != "login_required" {
		t.Errorf("an old sign-in: got %q, want login_required", got)
	}
	if got := a.silent(b, "max_age", "3600"); got != "" {
		t.Errorf("a sign-in young enough: got %q, want a code", got)
	}
	if got := a.silent(b, "acr_values", "phr"); got != "unmet_authentication_requirements" {
		t.Errorf("a level that the person cannot reach: got %q", got)
	}
	asks := p.app(t, provider, func(r *client.Registration) { r.Name, r.Consent = "Stock", nil })
	if got := asks.silent(b); got != "consent_required" {
		t.Errorf("without consent: got %q, want consent_required", got)
	}
	_, id := a.idToken(a.tokens(b))
	if id["sub"] == "" {
		t.Fatal("no subject")
	}
	_, _, paul := signedIn(p, "paul@garage.example")
	hint, _ := a.tokens(b).Extra("id_token").(string)
	if got := a.silent(paul, "id_token_hint", hint); got != "login_required" {
		t.Errorf("another user than the hint names: got %q, want login_required", got)
	}
	if got := a.silent(b, "id_token_hint", hint); got != "" {
		t.Errorf("whom the hint names: got %q, want a code", got)
	}
	if got := asks.silent(b, "id_token_hint", hint); got != "invalid_request" {
		t.Errorf("a hint that was issued to another client: got %q, want invalid_request", got)
	}
}

func TestAuthorize_MaxAgeRequiresStepUp(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, b := signedIn(p, "lea@garage.example")
	for name, more := range map[string][]string{"prompt=login": {"prompt", "login"}, "max_age=1": {"max_age", "1"}, "max_age=0": {"max_age", "0"}} {
		p.Clock.Advance(10 * time.Minute)
		verifier := oauth2.GenerateVerifier()
		q := a.proves(b, phone, a.begin(verifier, more...))
		tok, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, claims := a.idToken(tok)
		if got := int64(claims["auth_time"].(float64)); got != p.Clock.Now().Unix() {
			t.Errorf("%s: auth_time got %d, want now, %d", name, got, p.Clock.Now().Unix())
		}
	}
	// Going back to the page without the proof gives nothing.
	p.Clock.Advance(10 * time.Minute)
	u, _ := url.Parse(b.get(a.begin(oauth2.GenerateVerifier(), "prompt", "login")).next())
	if again := b.get(u.Query().Get("next")); !strings.HasPrefix(again.next(), "/account/prove") {
		t.Errorf("going on without a proof: got %d to %q", again.StatusCode, again.next())
	}
}

func TestAuthorize_RecentSignInSatisfiesPromptLogin(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, _ := p.Member("lea@garage.example", nil)
	b := p.browser(t)
	u, _ := url.Parse(b.get(a.begin(oauth2.GenerateVerifier(), "prompt", "login")).next())
	next := u.Query().Get("next")
	factor := b.post("/login", "identifier", "lea@garage.example", "password", authntest.Password, "next", next).next()
	b.goes(next, factor, "code", string(phone.Next()))
	if q := back(t, onward(t, b.get(next))); q.Get("code") == "" {
		t.Errorf("got %v, want a code", q)
	}
}

func TestAuthorize_StrongerLevelRequiresASecurityKey(t *testing.T) {
	p, provider := appPlace(t, nil)
	plain := p.app(t, provider, nil)
	strict := p.app(t, provider, func(r *client.Registration) { r.Name, r.PhishingResistant = "Paie", true })
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	for name, begin := range map[string]string{
		"acr_values":         plain.begin(oauth2.GenerateVerifier(), "acr_values", "phr"),
		"an essential claim": plain.begin(oauth2.GenerateVerifier(), "claims", `{"id_token":{"acr":{"essential":true,"values":["phr"]}}}`),
	} {
		if q := back(t, b.get(begin).next()); q.Get("error") != "unmet_authentication_requirements" {
			t.Errorf("%s, without a key: got %v", name, q)
		}
	}
	if shut := strict.isShut(b); !strings.Contains(shut, `href="/account/add"`) || !strings.Contains(shut, "error=unmet_authentication_requirements") {
		t.Errorf("the client's policy, without a key: got %.400s", shut)
	}
	if got := strict.silent(b); got != "unmet_authentication_requirements" {
		t.Errorf("the client's policy, silently: got %q", got)
	}
	key := b.enrolsKey(t, p, phone)
	out := p.browser(t)
	out.signIn(amelie, phone)
	verifier := oauth2.GenerateVerifier()
	res := out.get(strict.begin(verifier))
	if !strings.HasPrefix(res.next(), "/account/prove?method=key&next=") {
		t.Fatalf("got %d to %q, want the proof by a key", res.StatusCode, res.next())
	}
	u, _ := url.Parse(res.next())
	next := u.Query().Get("next")
	out.goes(next, "/account/prove", "code", string(phone.Next()), "next", next)
	if again := out.get(next); !strings.HasPrefix(again.next(), "/account/prove?method=key") {
		t.Fatalf("a code in the place of the key: got %d to %q, want to be asked again", again.StatusCode, again.next())
	}
	answer := key.signed(t, out.shows(res.next()).body)
	if status, to, problem := out.script("/account/prove/key", `{"answer":`+answer+`,"next":"`+next+`"}`); status != http.StatusOK || to != next {
		t.Fatalf("the key: got %d to %q, %q", status, to, problem)
	}
	q := back(t, onward(t, out.get(next)))
	tok, err := strict.config.Exchange(strict.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	_, claims := strict.idToken(tok)
	if claims["acr"] != "phr" || !strings.Contains(mustJSON(t, claims["amr"]), "hwk") {
		t.Errorf("got acr %v, amr %v", claims["acr"], claims["amr"])
	}
	if got := plain.silent(out, "acr_values", "urn:barillet:acr:aal2 phr"); got != "" {
		t.Errorf("a level that is reached: got %q", got)
	}
	if got := plain.silent(out, "acr_values", "urn:moon"); got != "" {
		t.Errorf("a voluntary level that does not exist: got %q, want it passed over", got)
	}
}

func TestPolicy_LimitsUsersAndSessionAge(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage, other := p.CreateGroup("Canal"), p.CreateGroup("Nord")
	a := p.app(t, provider, func(r *client.Registration) { r.Groups = []account.GroupID{garage} })
	nobody := p.app(t, provider, func(r *client.Registration) { r.Name, r.Groups = "Empty", []account.GroupID{} })
	aged := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.MaxAge, r.Rules = "Stock", 3000, []client.RegistrationRule{{Group: garage, MaxAge: 60}}
	})
	lea, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.Groups = []account.GroupID{garage} })
	b := p.browser(t)
	b.signIn("lea@garage.example", phone)
	_, paulsPhone, _ := p.Member("paul@garage.example", func(u *account.User) { u.Groups = []account.GroupID{other} })
	paul := p.browser(t)
	paul.signIn("paul@garage.example", paulsPhone)
	if shut := a.isShut(paul); !strings.Contains(shut, "/help/request") || !strings.Contains(shut, "error=access_denied") || !strings.Contains(shut, "state=state-1") {
		t.Errorf("a user of another group: got %.400s", shut)
	}
	if got := a.silent(paul); got != "access_denied" {
		t.Errorf("a user of another group: got %q, want access_denied", got)
	}
	if got := nobody.silent(b); got != "access_denied" {
		t.Errorf("an application without users: got %q, want access_denied", got)
	}
	tok := a.tokens(b)
	info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := info.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims["groups"] != nil {
		t.Errorf("groups without the scope: %v", claims)
	}
	p.Clock.Advance(2 * time.Minute)
	if got := aged.silent(b); got != "login_required" {
		t.Errorf("a rule of the group: got %q, want login_required", got)
	}
	if got := aged.silent(paul); got != "" {
		t.Errorf("a user outside that group: got %q, want a code", got)
	}
	p.Change(lea.ID, func(u *account.User) { u.Groups = nil })
	if a.alive(tok.AccessToken) {
		t.Error("a token is valid after the user left the group")
	}
	if _, err := a.refresh(tok.RefreshToken); refused(t, err) != "invalid_grant" {
		t.Errorf("a refresh after the user left the group: got %v", err)
	}
}

func TestClaims_GroupsAreIDsAndNamedClaimsAreReturned(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage := p.CreateGroup("Canal")
	a := p.app(t, provider, func(r *client.Registration) { r.Scope += " groups" })
	_, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.Groups, u.FirstName = []account.GroupID{garage}, "Léa" })
	b := p.browser(t)
	b.signIn("lea@garage.example", phone)
	userinfo := func(tok *oauth2.Token) map[string]any {
		info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
		if err != nil {
			t.Fatal(err)
		}
		claims := map[string]any{}
		if err := info.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		return claims
	}
	if got := mustJSON(t, userinfo(a.tokens(b))["groups"]); got != `["`+string(garage)+`"]` {
		t.Errorf("groups: got %s, want the id", got)
	}
	a.config.Scopes = []string{"openid"}
	tok := a.tokens(b, "claims", `{"userinfo":{"given_name":{"essential":true},"phone_number":null},"id_token":{"email":null}}`)
	if got := userinfo(tok); got["given_name"] != "Léa" || got["email"] != nil || got["name"] != nil {
		t.Errorf("userinfo: got %v, want the one claim that was asked for", got)
	}
	if _, claims := a.idToken(tok); claims["email"] != "lea@garage.example" || claims["given_name"] != nil {
		t.Errorf("ID token: got %v", claims)
	}
}

func TestClaims_PairwiseSubjectsDifferBetweenSectors(t *testing.T) {
	p, provider := appPlace(t, nil)
	pairwise := func(r *client.Registration) { r.SubjectType = "pairwise" }
	a, same := p.app(t, provider, pairwise), p.app(t, provider, pairwise)
	other := p.app(t, provider, func(r *client.Registration) { pairwise(r); r.Redirects = []string{"https://other.example/cb"} })
	u, _, b := signedIn(p, "lea@garage.example")
	first, _ := a.idToken(a.tokens(b))
	second, _ := same.idToken(same.tokens(b))
	verifier := oauth2.GenerateVerifier()
	to, _ := url.Parse(b.get(other.begin(verifier)).next())
	tok, err := other.config.Exchange(other.ctx(), to.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	third, _ := other.idToken(tok)
	if first.Subject != second.Subject || first.Subject == third.Subject || first.Subject == string(u.ID) {
		t.Errorf("got %q, %q in one sector, %q in another, id %q", first.Subject, second.Subject, third.Subject, u.ID)
	}
	info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(a.tokens(b)))
	if err != nil || info.Subject != first.Subject {
		t.Errorf("userinfo: got %v, %v", info, err)
	}
}

func TestConsent_IsRequestedOnceAndCanBeRefused(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.Consent = nil })
	_, _, b := signedIn(p, "lea@garage.example")
	request := func(res page) string {
		t.Helper()
		_, rest, ok := strings.Cut(res.body, `name="request" value="`)
		if res.StatusCode != http.StatusOK || !ok || !strings.Contains(res.body, "Planning") {
			t.Fatalf("got %d to %q, want the page of consent", res.StatusCode, res.next())
		}
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	no := request(b.get(a.begin(oauth2.GenerateVerifier())))
	if q := back(t, onward(t, b.post("/oauth2/v1/consent", "request", no, "decision", "no"))); q.Get("error") != "access_denied" || q.Get("iss") != p.url {
		t.Errorf("no: got %v, want access_denied", q)
	}
	if res := b.post("/oauth2/v1/consent", "request", no, "decision", "yes"); res.StatusCode != http.StatusGone {
		t.Errorf("yes after no: got %d, want 410", res.StatusCode)
	}
	other := p.browser(t)
	if res := other.post("/oauth2/v1/consent", "request", request(b.get(a.begin(oauth2.GenerateVerifier()))), "decision", "yes"); !strings.HasPrefix(res.next(), "/login") {
		t.Errorf("without a session: got %d to %q", res.StatusCode, res.next())
	}
	verifier := oauth2.GenerateVerifier()
	yes := request(b.get(a.begin(verifier)))
	q := back(t, onward(t, b.post("/oauth2/v1/consent", "request", yes, "decision", "yes")))
	if _, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier)); err != nil {
		t.Fatal(err)
	}
	if got := a.silent(b); got != "" {
		t.Errorf("the second time: got %q, want a code without a question", got)
	}
	request(b.get(a.begin(oauth2.GenerateVerifier(), "prompt", "consent")))
	foreign := p.browser(t)
	foreign.client.Jar = b.client.Jar
	foreign.header.Set("Origin", "https://thief.example")
	if res := foreign.post("/oauth2/v1/consent", "request", request(b.get(a.begin(oauth2.GenerateVerifier(), "prompt", "consent"))), "decision", "yes"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a yes that another site posts: got %d, want 403", res.StatusCode)
	}
}

func TestAuthorize_AcceptsPOSTFromAnotherSite(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	begin, _ := url.Parse(a.begin(oauth2.GenerateVerifier()))
	foreign := p.browser(t)
	foreign.header.Set("Origin", "https://app.example")
	foreign.header.Set("Sec-Fetch-Site", "cross-site")
	res := foreign.do(http.MethodPost, oidc.PathAuthorize, "application/x-www-form-urlencoded", begin.RawQuery)
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.next(), oidc.PathAuthorize+"?") {
		t.Fatalf("got %d to %q, want the same by GET", res.StatusCode, res.next())
	}
	if q := back(t, b.get(res.next()).next()); q.Get("code") == "" {
		t.Errorf("got %v, want a code", q)
	}
}
