package api

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/store"
	"barillet/web/apidocs"
	"barillet/web/reply"
)

// maxBody is the most that a call takes, in bytes.
const maxBody = 64 << 10

// Config is what the API stands on.
type Config struct {
	Directory *directory.Service
	OIDC      *oidc.Provider   // keeps the applications; nil: there are none
	Ring      *store.Keyring   // seals the answers that are kept for repeated requests
	PublicURL string           // without a slash at the end: every address in an answer begins with it
	Now       func() time.Time // nil: the clock of the Desk's people
	SignIn    bool             // POST /authn is served (PROTOCOL 25); else it is refused
	Log       *slog.Logger     // for requests that bring no log of their own; nil: the default of log/slog

	// Docs is the description, composed when it is first asked for; nil: it is not served.
	Docs func() (*apidocs.Document, error)
}

// API serves everything below /api/, and the registration of applications. It is safe for concurrent use.
type API struct {
	directory *directory.Service
	publicURL string
	signIn    bool
	now       func() time.Time
	log       *slog.Logger
	limiter   throttle.Memory
	answers   store.Table[storedResponse]
	oidc      *oidc.Provider
	mux       *http.ServeMux
}

// New makes the API. It panics on a pattern that contradicts another, which a test would meet.
func New(c Config) *API {
	a := &API{directory: c.Directory, publicURL: strings.TrimRight(c.PublicURL, "/"), signIn: c.SignIn, oidc: c.OIDC, now: c.Now, log: c.Log,
		answers: store.NewTable[storedResponse](c.Ring, store.Idempotency), mux: http.NewServeMux()}
	if a.now == nil {
		a.now = c.Directory.Admin.Accounts.Now
	}
	allowed := map[string][]string{}
	for _, route := range slices.Concat(a.routes(), a.clientRoutes()) {
		method, path, _ := strings.Cut(route.pattern, " ")
		a.mux.Handle(route.pattern, a.authenticated(route))
		allowed[path] = append(allowed[path], method)
		if method == http.MethodGet {
			allowed[path] = append(allowed[path], http.MethodHead)
		}
	}
	if c.Docs != nil {
		a.mux.HandleFunc("GET "+descriptionPath, serveDescription(c.Docs))
		allowed[descriptionPath] = []string{http.MethodGet, http.MethodHead}
	}
	for _, pattern := range notImplemented {
		a.mux.HandleFunc(pattern, notOffered)
	}
	for path, methods := range allowed {
		allow := strings.Join(methods, ", ")
		refuse := func(w http.ResponseWriter, r *http.Request) {
			reply.Problem(w, r, &reply.HTTPError{Status: http.StatusMethodNotAllowed, Kind: reply.KindMethod, Allow: allow})
		}
		for _, pattern := range fallbackPatterns(path, allowed) {
			a.mux.HandleFunc(pattern, refuse)
		}
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply.Problem(w, r, &reply.HTTPError{Status: http.StatusNotFound, Kind: reply.KindNoRoute})
	})
	return a
}

// fallbackPatterns are the patterns that take whatever a path does not serve. A path that a wildcard of another one also stands
// for, such as a list's catalogue beside its members, has to name the methods, or the mux could not tell which to prefer.
func fallbackPatterns(path string, allowed map[string][]string) []string {
	parent := path[:strings.LastIndexByte(path, '/')+1]
	beside := false
	for other := range allowed {
		tail, ok := strings.CutPrefix(other, parent)
		beside = beside || ok && other != path && strings.HasPrefix(tail, "{") && !strings.Contains(tail, "/")
	}
	if !beside {
		return []string{path}
	}
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if !slices.Contains(allowed[path], method) {
			out = append(out, method+" "+path)
		}
	}
	return out
}

// Patterns lists every route, for the test that compares them with what is written about them.
func (a *API) Patterns() []string {
	var out []string
	for _, route := range slices.Concat(a.routes(), a.clientRoutes()) {
		out = append(out, route.pattern)
	}
	return out
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if q := reply.RequestFrom(r.Context()); q.ID == "" {
		known := *q
		known.ID = rand.Text()
		if known.Log == nil {
			known.Log = a.log
		}
		r = r.WithContext(reply.With(r.Context(), &known))
	}
	a.mux.ServeHTTP(w, r)
}

// handler is one call: it decodes, asks for one use case and answers, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request, op admin.Principal) error

// authenticated finds out who calls before anything else is looked at, and answers what the handler refuses.
func (a *API) authenticated(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, err := a.principal(w, r)
		if err == nil && (r.Method == http.MethodPost || r.Method == http.MethodPatch) {
			r, err = bufferBody(r)
		}
		if err == nil {
			err = withMemberNames(route.pattern, route.serve(w, r, op))
		}
		if err != nil {
			reply.Problem(w, r, err)
		}
	})
}

// pathID reads an id out of the path. What cannot be the key of a record names nothing.
func pathID(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	if id == "" || len(id) > 254 || !isCursor(id) {
		return "", errcode.New(errcode.NotFound)
	}
	return id, nil
}
