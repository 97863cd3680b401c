package oidc

import (
	"net/http"
	"net/url"

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
// there is an error.
func readCredentials(r *http.Request, form url.Values) (client.Credentials, error) {
	c := client.Credentials{ID: client.ID(form.Get("client_id")), Secret: form.Get("client_secret"), Assertion: form.Get("client_assertion"), Method: client.AuthNone}
	methods := 0
	if c.Assertion != "" {
		c.Method, methods = client.AuthJWT, methods+1
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			return c, invalidRequest("client_assertion_type is not supported")
		}
	}
	if c.Secret != "" {
		c.Method, methods = client.AuthPost, methods+1
	}
	if r.Header.Get("Authorization") != "" {
		c.Method, methods = client.AuthBasic, methods+1
		id, secret, ok := r.BasicAuth()
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
	case methods == 0 && r.URL.Path == PathIntrospect: // RFC 7662 §2.1: the caller must authenticate
		return c, invalidClient()
	case c.ID == "" && c.Assertion == "":
		return c, invalidRequest("client_id is missing")
	}
	return c, nil
}
