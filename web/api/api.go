package api

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/directory"
	"barillet/internal/backup"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/store"
	"barillet/web/apidocs"
	"barillet/web/idempotency"
	"barillet/web/reply"
)

// maxBody is the maximum size of a request body, in bytes.
const maxBody = 64 << 10

// Config contains the dependencies of the API.
type Config struct {
	Directory *directory.Service
	Approvals *approval.Service
	OIDC      *oidc.Provider   // nil: no OAuth clients
	Ring      *store.Keyring   // encrypts the stored answers
	PublicURL string           // the prefix of each URL in a response, without a final slash
	Now       func() time.Time // nil: the clock of the accounts
	SignIn    bool             // enables POST /authn (protocol rule 25)
	Backups   *backup.Maker    // nil: the API sends no backups
	Log       *slog.Logger     // for requests without a logger; nil: slog.Default

	// Docs returns the description. If it is nil, the description is not served.
	Docs func() (*apidocs.Document, error)
}

// API serves all paths below /api/, and the registration of OAuth clients. It is safe for concurrent use.
type API struct {
	directory *directory.Service
	approvals *approval.Service
	publicURL string
	signIn    bool
	now       func() time.Time
	log       *slog.Logger
	limiter   throttle.Memory
	keys      *idempotency.Keys
	oidc      *oidc.Provider
	backups   *backup.Maker
	mux       *http.ServeMux
}

// New returns the API. It panics if two patterns conflict.
func New(c Config) *API {
	a := &API{directory: c.Directory, approvals: c.Approvals, publicURL: strings.TrimRight(c.PublicURL, "/"), signIn: c.SignIn, oidc: c.OIDC, backups: c.Backups, now: c.Now, log: c.Log,
		mux: http.NewServeMux(), limiter: throttle.Memory{Refusals: c.Directory.Admin.Accounts.Budgets.Refusals}}
	if a.now == nil {
		a.now = c.Directory.Admin.Accounts.Now
	}
	a.keys = idempotency.New(c.Directory.Admin.Accounts, c.Ring, a.now)
	allowed := map[string][]string{}
	for _, route := range slices.Concat(a.routes(), a.clientRoutes()) {
		patterns := []string{route.pattern}
		if older := strings.Replace(route.pattern, " /api/v1/approvals", " /api/v1/reset-approvals", 1); older != route.pattern {
			patterns = append(patterns, older)
		}
		for _, pattern := range patterns {
			method, path, _ := strings.Cut(pattern, " ")
			a.mux.Handle(pattern, a.authenticated(route))
			allowed[path] = append(allowed[path], method)
			if method == http.MethodGet {
				allowed[path] = append(allowed[path], http.MethodHead)
			}
		}
	}
	if c.Docs != nil {
		a.mux.HandleFunc("GET "+descriptionPath, serveDescription(c.Docs))
		allowed[descriptionPath] = []string{http.MethodGet, http.MethodHead}
	}
	for _, pattern := range notImplemented {
		a.mux.HandleFunc(pattern, serveNotImplemented)
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

// fallbackPatterns returns the patterns for the methods that path does not serve. If another path matches path by a
// wildcard, such as a list next to its catalogue, each pattern names a method, because ServeMux rejects ambiguous
// patterns.
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

// Sweep returns the sweep of expired answers.
func (a *API) Sweep() store.TableSweep { return a.keys.Sweep() }

// Patterns returns the patterns of all routes, for tests that compare them with the documentation.
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

// handler serves a call. It decodes the request, performs one operation, and either writes the response or returns an
// error.
type handler func(w http.ResponseWriter, r *http.Request, op admin.Principal) error

// authenticated returns a handler that authenticates the caller first, and writes the error of the route.
func (a *API) authenticated(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, err := a.principal(w, r)
		if err == nil && (r.Method == http.MethodPost || r.Method == http.MethodPatch) {
			r, err = bufferBody(r)
		}
		if budgetOf(r) != (throttle.Quota{}) {
			r = r.WithContext(throttle.WithCharge(r.Context()))
		}
		if err == nil {
			err = withMemberNames(route.pattern, route.serve(w, r, op))
		}
		if err != nil {
			reply.Problem(w, r, err)
		}
	})
}

// pathID returns an id of the path, as checkID does.
func pathID(r *http.Request, name string) (string, error) { return checkID(r.PathValue(name)) }

// checkID returns an id. A text that cannot be a key of the store is NotFound.
func checkID(id string) (string, error) {
	if id == "" || len(id) > 254 || !isCursor(id) {
		return "", errcode.New(errcode.NotFound)
	}
	return id, nil
}
