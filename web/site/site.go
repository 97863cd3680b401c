package site

import (
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/oidc"
	"barillet/templates"
	"barillet/web/forwardauth"
)

// Config is the configuration of a Site. All fields are required except OIDC and ForwardAuth.
type Config struct {
	Accounts      *account.Service
	Sessions      *session.Service
	Authn         *authn.Service
	OIDC          *oidc.Provider       // nil without applications
	ForwardAuth   *forwardauth.Handler // nil without protected hosts
	Renderer      *templates.Renderer
	PublicURL     string // "https://login.example" or "http://localhost:8080"
	DefaultLocale string // "fr" or "en"
	Now           func() time.Time
}

// Site renders the pages of the service and reads the visitor of a request. It is safe for concurrent use.
type Site struct {
	Config
	cookies *cookieStore
}

// New returns a Site.
func New(c Config) *Site {
	return &Site{Config: c, cookies: newCookieStore(c.Sessions, strings.HasPrefix(c.PublicURL, "https:"))}
}
