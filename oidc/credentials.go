package oidc

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"barillet/oidc/client"
)

// assertsInQuery reports whether a request may have its parameters in the URL. Okta's clients send those of the
// client_credentials grant there, with an empty body. An assertion is good once and for minutes; a secret must not be in
// a URL. No URL is logged with its query.
func assertsInQuery(r *http.Request) bool {
	q := r.URL.Query()
	return r.URL.Path == PathToken && len(r.PostForm) == 0 && len(r.URL.RawQuery) <= maxForm && q.Get("grant_type") == client.GrantClientCredentials &&
		q.Get("client_assertion") != "" && !q.Has("client_secret")
}

// readCredentials reads how a client authenticates. A request must not use more than one method. The ID is also set if
// there is an error. A header without a secret names a public client.
func readCredentials(r *http.Request, form url.Values) (client.Credentials, error) {
	c := client.Credentials{ID: client.ID(form.Get("client_id")), Secret: form.Get("client_secret"), Assertion: form.Get("client_assertion")}
	methods := 0
	if c.Assertion != "" {
		methods++
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			return c, invalidRequest("client_assertion_type is not supported")
		}
	}
	if c.Secret != "" {
		methods++
	}
	if r.Header.Get("Authorization") != "" {
		methods++
		id, secret, ok := basicAuth(r)
		id, badID := url.QueryUnescape(id) // RFC 6749 §2.3.1: both are form-encoded
		secret, badSecret := url.QueryUnescape(secret)
		if !ok || badID != nil || badSecret != nil {
			return c, invalidClient()
		}
		c.ID, c.Secret = client.ID(id), secret
	}
	switch {
	case methods > 1:
		return c, invalidRequest("client authentication must not use more than one method")
	case methods == 0 && r.URL.Path == PathIntrospect:
		return c, authenticationRequired()
	case c.ID == "" && c.Assertion == "":
		return c, invalidRequest("client_id is missing")
	}
	return c, nil
}

// basicAuth reads the header of a client. A public client may leave out the colon: okta-auth-js does.
func basicAuth(r *http.Request) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, _ = strings.Cut(string(decoded), ":")
	return id, secret, err == nil && strings.EqualFold(scheme, "Basic")
}
