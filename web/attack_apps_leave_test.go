package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/oidc"
	"barillet/oidc/client"
)

// An application, or a reader of its log, has ID tokens of users. It brings one to the sign-out from
// a browser of its own, and ends what every other application was given.
func TestAttack_ApplicationSignsUsersOutOfOthers(t *testing.T) {
	for name, subject := range map[string]string{"public subjects": "public", "pairwise subjects": "pairwise"} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, nil)
			theirs := p.app(t, provider, func(r *client.Registration) { r.Name, r.SubjectType = "Thief", subject })
			_, phone, b := signedIn(p, "lea@garage.example")
			tok := a.tokens(b)
			hint, _ := theirs.tokens(b).Extra("id_token").(string)
			if res := p.browser(t).leaves("id_token_hint", hint); res.StatusCode != http.StatusOK || !strings.Contains(res.body, nothingEnded) {
				t.Errorf("got %d to %q, want a page that says that nothing ended", res.StatusCode, res.next())
			}
			if !a.alive(tok.AccessToken) {
				t.Fatal("a browser without a session ended the grants of another application")
			}
			_, _, paul := signedIn(p, "paul@garage.example")
			if res := paul.leaves("id_token_hint", hint); res.StatusCode != http.StatusOK || !a.alive(tok.AccessToken) {
				t.Errorf("in the browser of another user: got %d to %q, want to be asked", res.StatusCode, res.next())
			}
			if res := paul.post("/oauth2/v1/logout/confirm", "id_token_hint", hint); res.next() != "/logged-out" || !a.alive(tok.AccessToken) {
				t.Errorf("confirmed by another user: got %d to %q, want only that user signed out", res.StatusCode, res.next())
			}
			b.shows("/account")
			if res := b.leaves("id_token_hint", hint); res.next() != "/logged-out" || a.alive(tok.AccessToken) {
				t.Errorf("in the session's own browser: got %d to %q", res.StatusCode, res.next())
			}
			b.signIn("lea@garage.example", phone)
		})
	}
}

// What tells an application of a sign-out is signed by the same key as what tells it of a sign-in.
func TestAttack_LogoutTokenAsIDToken(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	_, phone, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	b.goes("/logged-out", "/logout")
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil || len(at.got()) != 1 {
		t.Fatalf("got %v, %v, want one logout", at.got(), err)
	}
	token := at.got()[0]
	b.signIn("lea@garage.example", phone)
	if res := b.leaves("id_token_hint", token); res.StatusCode != http.StatusBadRequest {
		t.Errorf("at the sign-out: got %d to %q, want 400", res.StatusCode, res.next())
	}
	if q := back(t, b.get(a.begin("x", "id_token_hint", token)).next()); q.Get("error") != "invalid_request" {
		t.Errorf("at the sign-in: got %v", q)
	}
}
