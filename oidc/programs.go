package oidc

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"barillet/authn"
	"barillet/internal/throttle"
)

type originKey struct{}

// WithOrigin says where a call comes from; package web knows.
func WithOrigin(ctx context.Context, req authn.RequestInfo) context.Context {
	return context.WithValue(ctx, originKey{}, req)
}

func originOf(ctx context.Context) authn.RequestInfo {
	req, _ := ctx.Value(originKey{}).(authn.RequestInfo)
	return req
}

// formBody is the most that a call of a client may send, in bytes.
const formBody = 32 << 10

// Documents serves what anybody may read: discovery and keys.
func (p *Provider) Documents() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		p.programs.ServeHTTP(w, r)
	})
}

// Programs serves the endpoints that clients call by themselves: token, introspection, revocation, device and pushed
// authorization. What the library would let pass is refused before it: parameters in the URL, where logs find them
// (RFC 6749 section 2.3.1), parameters twice (section 3.2), bodies that are no form.
func (p *Provider) Programs() http.Handler { return p.form(p.programs) }

// Pushes serves the endpoint of pushed authorization requests.
func (p *Provider) Pushes() http.Handler { return p.form(p.pushed) }

func (p *Provider) form(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open(w)
		form, wrong := readForm(w, r)
		if wrong != "" {
			tell(w, http.StatusBadRequest, "invalid_request", wrong)
			return
		}
		if wait := p.callWaits(r, form); wait > 0 {
			tooMany(w, wait)
			return
		}
		if r.URL.Path == PathIntrospect && r.Header.Get("Authorization") == "" && !form.Has("client_secret") && !form.Has("client_assertion") {
			w.Header().Set("WWW-Authenticate", `Basic realm="barillet"`) // RFC 7662 section 2.1: whoever asks proves who they are
			tell(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
			return
		}
		r.PostForm, r.Form = form, form
		next.ServeHTTP(&called{ResponseWriter: w, challenge: `Basic realm="barillet"`, created: r.URL.Path == PathPush}, r)
	})
}

// Userinfo serves the endpoint of userinfo. The token is in the header or in the body of a form, in one of the two
// (RFC 6750 section 2); never in the URL.
func (p *Provider) Userinfo() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open(w)
		challenge := `Bearer realm="barillet"`
		form, wrong := url.Values{}, ""
		if r.Method == http.MethodPost && r.ContentLength != 0 {
			form, wrong = readForm(w, r)
		} else if r.URL.Query().Has("access_token") {
			wrong = "a token has no place in a URL"
		}
		header := r.Header.Get("Authorization")
		if wrong == "" && header != "" && form.Has("access_token") {
			wrong = "the token is there twice"
		}
		if wrong != "" {
			w.Header().Set("WWW-Authenticate", challenge+`, error="invalid_request"`)
			tell(w, http.StatusBadRequest, "invalid_request", wrong)
			return
		}
		if ok, retry, _ := p.limiter.Take(p.Now(), throttle.Userinfo, authn.SecretOf(header+form.Get("access_token")).Hash()); !ok {
			tooMany(w, retry)
			return
		}
		if header != "" || form.Has("access_token") { // RFC 6750 section 3.1: no error where there was no token
			challenge += `, error="invalid_token"`
		}
		r.PostForm, r.Form = form, form
		p.programs.ServeHTTP(&called{ResponseWriter: w, challenge: challenge}, r)
	})
}

// Preflight answers a browser that asks whether a script may call: by any origin, and never with cookies, which mean
// nothing at these endpoints.
func (p *Provider) Preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}

func open(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 section 5.1
}

// readForm reads a body of parameters, each given once; wrong says what is not as it must be.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, wrong string) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || media != "application/x-www-form-urlencoded":
		return nil, "the body is not application/x-www-form-urlencoded"
	case r.URL.RawQuery != "":
		return nil, "parameters have no place in the URL"
	}
	r.Body = http.MaxBytesReader(w, r.Body, formBody)
	if r.ParseForm() != nil {
		return nil, "the body cannot be read"
	}
	form = url.Values{}
	for name, values := range r.PostForm {
		for _, v := range values {
			switch {
			case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
				return nil, "a parameter is not text"
			case v != "" && form.Has(name):
				return nil, "a parameter is there twice"
			case v != "": // an empty one counts as not sent (RFC 6749 section 3.2)
				form.Set(name, v)
			}
		}
	}
	return form, ""
}

// callWaits is how long a caller has to wait before a further call; it takes one from what they may.
func (p *Provider) callWaits(r *http.Request, form url.Values) time.Duration {
	now, caller, from := p.Now(), callerOf(r, form), originOf(r.Context()).Address
	_, wait, _ := p.limiter.Take(now, throttle.ClientCalls, caller+" "+throttle.Address(from))
	if _, wide, _ := p.limiter.Take(now, throttle.ClientCallsNetwork, caller+" "+throttle.Network(from)); wait == 0 {
		wait = wide
	}
	if wait == 0 && r.URL.Path == PathDevice {
		_, wait, _ = p.limiter.Take(now, throttle.DeviceStarts, throttle.Network(from))
	}
	return wait
}

// callerOf is who a caller says they are, for the limit.
func callerOf(r *http.Request, form url.Values) string {
	if id, _, ok := r.BasicAuth(); ok {
		return id
	}
	return form.Get("client_id")
}

// called completes what the library answers to a program.
type called struct {
	http.ResponseWriter
	challenge string // of a 401 (RFC 9110 section 15.5.2)
	created   bool   // a success is 201 (RFC 9126 section 2.2)
}

func (c *called) WriteHeader(status int) {
	switch {
	case status == http.StatusUnauthorized:
		c.Header().Set("WWW-Authenticate", c.challenge)
	case status == http.StatusForbidden:
		c.Header().Set("WWW-Authenticate", strings.Replace(c.challenge, "invalid_token", "insufficient_scope", 1))
	case status == http.StatusServiceUnavailable:
		c.Header().Set("Retry-After", "5")
	case status == http.StatusOK && c.created:
		status = http.StatusCreated
	}
	c.created = false
	c.ResponseWriter.WriteHeader(status)
}

func (c *called) Write(b []byte) (int, error) {
	if c.created { // the library leaves 200 unsaid
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(b)
}

func tooMany(w http.ResponseWriter, retry time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((retry+time.Second-1)/time.Second))))
	tell(w, http.StatusTooManyRequests, "temporarily_unavailable", "too many requests")
}

// tell answers an error of OAuth before the library is asked.
func tell(w http.ResponseWriter, status int, code, why string) {
	body, err := json.Marshal(map[string]string{"error": code, "error_description": why})
	if err != nil {
		panic("encoding two strings: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client went away: nobody is left to tell
}
