package web_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"barillet/authn/authntest"
	"barillet/oidc/client"
	"barillet/store"
)

func TestStore_ContainsNoUsableOIDCCredential(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) {
		r.Grants = append(r.Grants, "urn:ietf:params:oauth:grant-type:device_code")
	})
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	waiting := a.code(b, verifier)
	tok := a.tokens(b)
	device, user := a.device()
	secrets := map[string]string{"client secret": a.Secret, "registration token": a.RegistrationToken, "code": waiting, "access token": tok.AccessToken,
		"refresh token": tok.RefreshToken, "ID token": tok.Extra("id_token").(string), "device code": device, "user code": user,
		"user code without its hyphen": strings.ReplaceAll(user, "-", "")}
	err := p.Store.View(t.Context(), func(s store.Snapshot) error {
		return s.Scan("", "", 0, func(key string, value []byte) error {
			for name, secret := range secrets {
				if strings.Contains(strings.ToLower(key), strings.ToLower(secret)) || bytes.Contains(value, []byte(secret)) {
					t.Errorf("the %s is in the record %.40s", name, key)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAuthorize_PasswordAloneIsNoSignIn(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	p.Member("lea@garage.example", nil)
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", "lea@garage.example", "password", authntest.Password)
	if got := a.silent(b); got != "login_required" {
		t.Errorf("silently: got %q, want login_required", got)
	}
	res := b.get(a.begin(oauth2.GenerateVerifier()))
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.next(), "/login?next=") {
		t.Errorf("got %d to %q, want the sign-in", res.StatusCode, res.next())
	}
	for _, path := range []string{"/device", "/oauth2/v1/continue?request=" + strings.Repeat("a", 43)} {
		if res := b.get(path); res.StatusCode == http.StatusOK {
			t.Errorf("%s: got 200", path)
		}
	}
}

func TestDeletedClient_LosesAccessImmediately(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	if err := provider.Clients.Delete(t.Context(), by, a.ID); err != nil {
		t.Fatal(err)
	}
	if a.alive(tok.AccessToken) {
		t.Error("its token is good")
	}
	if _, err := a.refresh(tok.RefreshToken); refused(t, err) != "invalid_client" {
		t.Errorf("a refresh: got %v, want invalid_client", err)
	}
	if res := b.get(a.begin(oauth2.GenerateVerifier())); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a sign-in: got %d to %q, want a page", res.StatusCode, res.next())
	}
}
