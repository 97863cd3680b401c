package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/internal/audit"
	"barillet/oidc"
	"barillet/oidc/client"
)

// The developer of an application reads on the page what is wrong, and so does the administrator in the log.
func TestRequestErrorPage_SaysWhatIsWrongAndWhatWasSent(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	other := p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	_, _, b := signedIn(p, "lea@garage.example")
	hint, _ := a.tokens(b).Extra("id_token").(string)
	authorize := func(change url.Values) string { return a.asked(oauth2.GenerateVerifier(), change) }
	logout := func(q url.Values) string { return oidc.PathLogout + "?" + q.Encode() }
	long := "https://app.example/" + strings.Repeat("a", 300)
	for name, c := range map[string]struct {
		request       string
		says, address string // address: "" for none
		log           string // "" for no entry
	}{
		"an unknown client": {authorize(url.Values{"client_id": {"cnobody"}, "redirect_uri": {"https://app.example/cb?secret=1"}}),
			"The client_id is missing or not registered", "https://app.example/cb", "unknown client"},
		"no client": {authorize(url.Values{"client_id": nil}), "The client_id is missing or not registered", "https://app.example/cb", "unknown client"},
		"another redirect": {authorize(url.Values{"redirect_uri": {"https://app.example/callback?secret=1#secret"}}),
			"The redirect_uri is missing or not registered for Planning", "https://app.example/callback", "unregistered redirect_uri"},
		"a redirect with a password": {authorize(url.Values{"redirect_uri": {"https://lea:secret@app.example/"}}), "The redirect_uri is missing or not registered for Planning",
			"https://app.example/", "unregistered redirect_uri"},
		"a redirect that is long": {authorize(url.Values{"redirect_uri": {long}}), "The redirect_uri is missing or not registered for Planning", long[:200],
			"unregistered redirect_uri"},
		"a redirect that is a text": {authorize(url.Values{"redirect_uri": {"call 0800 secret now"}}), "The redirect_uri is missing or not registered for Planning", "",
			"unregistered redirect_uri"},
		"a redirect with a text": {authorize(url.Values{"redirect_uri": {"https://app.example/<b>call me</b>\u202e"}}),
			"The redirect_uri is missing or not registered for Planning", "https://app.example/%3Cb%3Ecall%20me%3C/b%3E%E2%80%AE", "unregistered redirect_uri"},
		"no redirect": {authorize(url.Values{"redirect_uri": nil}), "The redirect_uri is missing or not registered for Planning", "", "unregistered redirect_uri"},
		"a pushed request that is over": {authorize(url.Values{"request_uri": {"urn:ietf:params:oauth:request_uri:secret"}}),
			"The request_uri is unknown, used or expired", "", "unknown request_uri"},
		"a query that cannot be read": {oidc.PathAuthorize + "?client_id=%zz", "repeated, too long or not text", "", ""},
		"a sign-out to another address": {logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://app.example/out?secret=1"}}),
			"The post_logout_redirect_uri is not registered for Planning", "https://app.example/out", "unregistered post_logout_redirect_uri"},
		"a sign-out of an unknown client": {logout(url.Values{"client_id": {"cnobody"}, "post_logout_redirect_uri": {"https://app.example/out"}}),
			"The client_id is missing or not registered", "https://app.example/out", "unknown client"},
		"a sign-out with the hint of another": {logout(url.Values{"id_token_hint": {hint}, "client_id": {string(other.ID)}}), "not an ID token of the application", "",
			"invalid id_token_hint"},
		"a sign-out with a parameter twice": {oidc.PathLogout + "?state=a&state=b", "repeated, too long or not text", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.Clock.Advance(11 * time.Minute) // later refusals are not joined to earlier ones
			before, logged := len(p.Events(audit.AppRefused)), len(p.log.String())
			res := b.get(c.request)
			if res.StatusCode != http.StatusBadRequest || !strings.Contains(res.body, c.says) || !strings.Contains(res.body, "invalid_request") {
				t.Errorf("got %d, want 400 and %q in\n%s", res.StatusCode, c.says, res.body)
			}
			if c.address != "" && !strings.Contains(res.body, "<code>"+c.address+"</code>") {
				t.Errorf("the page lacks the address %q:\n%s", c.address, res.body)
			}
			events, log := p.Events(audit.AppRefused)[before:], p.log.String()[logged:]
			if strings.Contains(log, "secret") {
				t.Errorf("the log has what was in the request: %s", log)
			}
			if c.log == "" {
				if len(events) != 0 {
					t.Errorf("got %+v, want no event", events)
				}
				return
			}
			if len(events) != 1 || events[0].Reason != c.log || events[0].Detail["address"] != c.address || events[0].Outcome != audit.Failure {
				t.Errorf("got %+v, want one event about %q", events, c.log)
			}
			if !strings.Contains(log, c.log) || !strings.Contains(log, c.address) {
				t.Errorf("the log lacks %q or %q: %s", c.log, c.address, log)
			}
		})
	}
}

// An unauthenticated client must not write a row for each request.
func TestRefusedRequests_AreFoldedInTheLog(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	b := p.browser(t)
	for i := range 20 {
		b.get(a.asked("x", url.Values{"redirect_uri": {fmt.Sprintf("https://thief.example/%d", i)}}))
		b.get(a.asked("x", url.Values{"client_id": {fmt.Sprintf("c%d", i)}}))
	}
	if n := len(p.Events(audit.AppRefused)); n != 10 {
		t.Fatalf("got %d events for 40 requests, want the first five of the client and of unknown ones", n)
	}
	if err := p.Accounts.FlushRefusals(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	events := slices.DeleteFunc(p.Events(audit.AppRefused), func(e audit.Entry) bool { return e.Count() == 1 })
	if len(events) != 2 || events[0].Count() != 15 || events[1].Count() != 15 {
		t.Fatalf("got %+v, want two events about 15 requests each", events)
	}
	of := func(e audit.Entry) bool {
		return len(e.Targets) == 1 && e.Targets[0].ID == string(a.ID) && e.Reason == "unregistered redirect_uri"
	}
	if of(events[0]) == of(events[1]) {
		t.Errorf("got %+v, want one event about the client", events)
	}
	if n := strings.Count(p.log.String(), "request is refused"); n != 10 {
		t.Errorf("got %d entries in the log, want 10", n)
	}
}
