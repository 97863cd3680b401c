package oidc

import (
	"net/http"
	"net/url"
	"strings"

	"barillet/internal/secret"
	"barillet/internal/throttle"
)

const bearerChallenge = `Bearer realm="barillet"` // RFC 6750 §3

// Userinfo serves the userinfo endpoint. The token is in the header or in the body of a form, never in both (RFC 6750 §2)
// and never in the URL.
func (p *Provider) Userinfo() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setClientHeaders(w)
		value, e := bearerToken(w, r)
		if e == nil {
			if ok, retry, _ := p.limiter.Take(p.Now(), throttle.Userinfo, secret.From(value).Hash()); !ok {
				writeTooMany(w, retry)
				return
			}
			answer, err := p.Tokens.Userinfo(r.Context(), value)
			if err == nil {
				writeJSON(w, http.StatusOK, answer)
				return
			}
			e = p.fault(r.Context(), "answering userinfo", err)
		}
		challenge := bearerChallenge
		if e.status == 0 || value != "" { // RFC 6750 §3.1: no error code if the request lacks a token
			challenge += `, error="` + e.Code + `"`
		}
		if e.status < http.StatusInternalServerError {
			w.Header().Set("WWW-Authenticate", challenge)
		}
		writeError(w, e)
	})
}

// bearerToken returns the access token of a request.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, *Error) {
	form, wrong := url.Values{}, ""
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		form, wrong = readForm(w, r)
	} else if r.URL.Query().Has("access_token") {
		wrong = "the access token must not be in the URL"
	}
	header := r.Header.Get("Authorization")
	switch {
	case wrong != "":
		return "", invalidRequest(wrong)
	case header != "" && form.Has("access_token"):
		return "", invalidRequest("the token is sent twice")
	}
	value := form.Get("access_token")
	if scheme, credentials, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
		value = credentials
	} else if header != "" {
		value = header // no such token exists
	}
	if value == "" {
		return "", &Error{"invalid_request", "the access token is missing", http.StatusUnauthorized}
	}
	return value, nil
}
