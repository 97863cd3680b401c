package console

import "time"

// Applications is a page of the list of OAuth clients, with the signing keys.
//
//	GET /console/applications
type Applications struct {
	Base
	Applications []Application
	Keys         []SigningKey
	More         string // path of the next page
}

func (Applications) Template() string { return "console_applications" }

// Application is an OAuth client without its secret.
type Application struct {
	ID, Name, Path string
	Kind           string // "web", "native", "public", "keys", "server" or "service": a sentence "application.kind.{Kind}"
	Role           string // of a service client
	Redirects      []string
	Grants         []string // a sentence "application.grant.{…}"
	Scopes         []string
	Everybody      bool
	Groups         []string // names
	Consent        bool
	Strong         bool // only with a phishing-resistant device
	MaxAge         int  // of the last proof, in minutes; 0: the whole session
	Rules          []ApplicationRule
	Created        time.Time
}

// ApplicationRule is a further requirement for the users of a group.
type ApplicationRule struct {
	Group  string
	Strong bool
	MaxAge int
}

// SigningKey is a published key.
type SigningKey struct {
	ID, Alg       string
	Created, From time.Time
	Signs         bool
}

// ApplicationPage shows one OAuth client.
//
//	GET /console/applications/{cid}
type ApplicationPage struct {
	Base
	Application Application
	HasSecret   bool
}

func (ApplicationPage) Template() string { return "console_application" }
