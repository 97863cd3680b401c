package sample

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"barillet/internal/outbound"
	"barillet/internal/secret"
	"barillet/static"
	"barillet/templates"
)

// Accent is the colour of the application, different from that of the service.
const Accent = "#7a3b12"

// The paths of the registration.
const (
	PathCallback          = "/back"       // redirect URI
	PathAfterLogout       = "/"           // redirect URI after a sign-out
	PathBackchannelLogout = "/signed-out" // OIDC Back-Channel Logout
)

// Scopes returns the scopes that the application requests.
func Scopes() []string { return []string{gooidc.ScopeOpenID, "profile", "email", "groups"} }

// Config is the configuration of the application. All fields are required.
type Config struct {
	Base         string // URL of the application, without a slash at the end
	Issuer       string // URL of the service
	ClientID     string
	ClientSecret secret.Value
	Static       *static.Files
	Outbound     *outbound.Client
	Now          func() time.Time
	Log          *slog.Logger
}

// App is the application. It is safe for concurrent use.
type App struct {
	Config
	page     *template.Template
	words    map[string]words
	visits   visits
	mu       sync.Mutex
	provider *gooidc.Provider // nil before the first use
}

//go:embed files
var embedded embed.FS

// words are the texts of one language.
type words struct {
	Lang, Other, OtherName                       string
	Name, Lead, Sign, Out, Hello, Told, TellsWho string
	Again, Key, AgainWhy, KeyWhy, Sample         string
	Claims                                       map[string]string // by claim
	Failures                                     map[string]string // by fault
}

// New returns the application. It does not call the service.
func New(c Config) (*App, error) {
	a := &App{Config: c, words: map[string]words{}, visits: visits{all: map[string]*visit{}}}
	for _, lang := range []string{"fr", "en"} {
		raw, err := embedded.ReadFile("files/" + lang + ".json")
		if err != nil {
			return nil, fmt.Errorf("reading texts of the sample application: %w", err)
		}
		var w words
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&w); err != nil {
			return nil, fmt.Errorf("reading texts of the sample application in %s: %w", lang, err)
		}
		a.words[lang] = w
	}
	var err error
	a.page, err = template.New("page.html").Funcs(template.FuncMap{"asset": c.Static.URL}).ParseFS(embedded, "files/page.html")
	if err != nil {
		return nil, fmt.Errorf("parsing page of the sample application: %w", err)
	}
	return a, nil
}

// Handler returns the handler of the application.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.front)
	mux.HandleFunc("GET /sign-in", a.signIn)
	mux.HandleFunc("GET "+PathCallback, a.callback)
	mux.HandleFunc("POST /sign-out", a.signOut)
	mux.HandleFunc("POST "+PathBackchannelLogout, a.backchannelLogout)
	mux.Handle("GET "+static.Prefix, a.Static)
	mux.HandleFunc("GET /planning.css", file("text/css; charset=utf-8"))
	mux.HandleFunc("GET /planning.svg", file("image/svg+xml"))
	return http.NewCrossOriginProtection().Handler(a.headers(mux))
}

// headers sets the security headers. The form that signs out redirects to the service, and browsers apply form-action to
// redirects that follow a form.
func (a *App) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' "+a.Issuer+
			"; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		next.ServeHTTP(w, r)
	})
}

// file serves the embedded file with the name of the path.
func file(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		http.ServeFileFS(w, r, embedded, "files"+r.URL.Path)
	}
}

// claim is a row of the page.
type claim struct{ Name, About, Value string }

// pageData is the data of the page.
type pageData struct {
	words
	User    string
	Claims  []claim
	Failure string
}

// front shows the page.
func (a *App) front(w http.ResponseWriter, r *http.Request) {
	v, _ := a.visits.of(r, a.Now())
	a.show(w, r, http.StatusOK, v, "")
}

// show renders the page; failure is a key of words.Failures, or "".
func (a *App) show(w http.ResponseWriter, r *http.Request, status int, v visit, failure string) {
	page := pageData{words: a.words[templates.Match(r.Header.Get("Accept-Language"), r.FormValue("lang"), "fr")]}
	page.Failure = page.Failures[failure]
	if v.known {
		page.User = v.claims["name"]
		for _, name := range []string{"sub", "name", "email", "groups", "acr", "amr", "auth_time", "sid"} {
			page.Claims = append(page.Claims, claim{name, page.words.Claims[name], v.claims[name]})
		}
	}
	var b bytes.Buffer
	if err := a.page.Execute(&b, page); err != nil {
		a.Log.Error("rendering page of the sample application", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser closed the connection
}

// fail shows the failure to the user and logs the error.
func (a *App) fail(w http.ResponseWriter, r *http.Request, status int, failure string, err error) {
	a.Log.Warn("the sample application", "failure", failure, "error", err)
	a.show(w, r, status, visit{}, failure)
}

// withClient returns a context with which the library sends its requests through package outbound.
func (a *App) withClient(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, &http.Client{Transport: outboundTransport{a.Outbound}})
}

// service returns the provider of the discovery document, which it reads once.
func (a *App) service(ctx context.Context) (*gooidc.Provider, *oauth2.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider == nil {
		p, err := gooidc.NewProvider(a.withClient(ctx), a.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("reading discovery document: %w", err)
		}
		a.provider = p
	}
	return a.provider, &oauth2.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(), Endpoint: a.provider.Endpoint(),
		RedirectURL: a.Base + PathCallback, Scopes: Scopes()}, nil
}
