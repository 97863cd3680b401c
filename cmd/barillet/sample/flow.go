package sample

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"barillet/internal/secret"
)

// signInTTL is the lifetime of a sign-in.
const signInTTL = 10 * time.Minute

// signIn redirects to the service. ?how=again requests a new sign-in, ?how=key a security key.
func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	_, config, err := a.service(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "unreachable", err)
		return
	}
	before, name := a.visits.of(r, a.Now())
	v := visit{state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: secret.From(oauth2.GenerateVerifier()), until: a.Now().Add(signInTTL)}
	if before.known { // the user stays signed in if the new sign-in is cancelled
		v.known, v.idToken, v.claims, v.until = true, before.idToken, before.claims, before.until
	}
	more := []oauth2.AuthCodeOption{gooidc.Nonce(v.nonce), oauth2.S256ChallengeOption(v.verifier.Reveal())}
	switch r.FormValue("how") {
	case "again":
		more = append(more, oauth2.SetAuthURLParam("prompt", "login"))
	case "key":
		more = append(more, oauth2.SetAuthURLParam("acr_values", "phr"))
	}
	a.visits.put(w, name, v)
	http.Redirect(w, r, config.AuthCodeURL(v.state, more...), http.StatusSeeOther)
}

// callback handles the authorization response, which must belong to this browser (RFC 9700 §4.7).
func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	v, name := a.visits.of(r, a.Now())
	if v.state == "" || subtle.ConstantTimeCompare([]byte(r.FormValue("state")), []byte(v.state)) != 1 {
		a.fail(w, r, http.StatusBadRequest, "other", errors.New("wrong state"))
		return
	}
	if code := r.FormValue("error"); code != "" {
		failure := "refused"
		if code == "unmet_authentication_requirements" {
			failure = "no_key"
		}
		v.state = ""
		a.visits.put(w, name, v)
		a.show(w, r, http.StatusOK, v, failure) // the user stays signed in
		return
	}
	known, err := a.redeem(a.withClient(r.Context()), r.FormValue("code"), &v)
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "other", err)
		return
	}
	a.visits.put(w, name, known)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem exchanges a code for tokens and returns a visit with the claims.
func (a *App) redeem(ctx context.Context, code string, v *visit) (visit, error) {
	provider, config, err := a.service(ctx)
	if err != nil {
		return visit{}, err
	}
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(v.verifier.Reveal()))
	if err != nil {
		return visit{}, errors.New("exchanging code") // the error of the library contains the response
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&gooidc.Config{ClientID: a.ClientID, Now: a.Now}).Verify(ctx, raw)
	if err != nil {
		return visit{}, fmt.Errorf("verifying ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(v.nonce)) != 1 {
		return visit{}, errors.New("wrong nonce")
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != id.Subject { // OIDC Core §5.3.2
		return visit{}, errors.New("reading userinfo")
	}
	var said struct {
		Name     string   `json:"name"`
		Groups   []string `json:"groups"`
		ACR      string   `json:"acr"`
		AMR      []string `json:"amr"`
		AuthTime int64    `json:"auth_time"`
		SID      string   `json:"sid"`
	}
	if err := errors.Join(id.Claims(&said), info.Claims(&said)); err != nil {
		return visit{}, fmt.Errorf("reading claims: %w", err)
	}
	return visit{known: true, idToken: secret.From(raw), until: id.Expiry, claims: map[string]string{"sub": id.Subject, "name": said.Name, "email": info.Email,
		"groups": strings.Join(said.Groups, " "), "acr": said.ACR, "amr": strings.Join(said.AMR, " "), "sid": said.SID,
		"auth_time": time.Unix(said.AuthTime, 0).UTC().Format("2006-01-02 15:04:05 UTC")}}, nil
}

// SignOut ends the visit and the session at the service (OIDC RP-Initiated Logout).
func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	v, name := a.visits.of(r, a.Now())
	a.visits.forget(func(n string, _ *visit) bool { return n == name })
	to := a.Base + PathAfterLogout
	var said struct {
		End string `json:"end_session_endpoint"`
	}
	provider, _, err := a.service(r.Context())
	if v.known && err == nil && provider.Claims(&said) == nil && said.End != "" {
		to = said.End + "?" + url.Values{"id_token_hint": {v.idToken.Reveal()}, "post_logout_redirect_uri": {to}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// logoutEvent identifies a logout token (OIDC Back-Channel Logout §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// backchannelLogout ends the visits of a session that ended at the service.
func (a *App) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	sid, err := a.verifyLogoutToken(a.withClient(r.Context()), r.PostFormValue("logout_token"))
	if err != nil {
		a.Log.Warn("the sample application", "failure", "logout token", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.visits.forget(func(_ string, v *visit) bool { return v.known && v.claims["sid"] == sid })
	w.WriteHeader(http.StatusOK)
}

// verifyLogoutToken verifies a logout token (OIDC Back-Channel Logout §2.6) and returns its session.
func (a *App) verifyLogoutToken(ctx context.Context, raw string) (sid string, err error) {
	provider, _, err := a.service(ctx)
	if err != nil {
		return "", err
	}
	token, err := provider.Verifier(&gooidc.Config{ClientID: a.ClientID, Now: a.Now}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("verifying logout token: %w", err)
	}
	var said struct {
		SID    string         `json:"sid"`
		Events map[string]any `json:"events"`
		Nonce  *string        `json:"nonce"`
	}
	if err := token.Claims(&said); err != nil {
		return "", fmt.Errorf("reading logout token: %w", err)
	}
	if _, is := said.Events[logoutEvent]; !is || said.Nonce != nil || said.SID == "" {
		return "", errors.New("not a logout token of a session")
	}
	return said.SID, nil
}
