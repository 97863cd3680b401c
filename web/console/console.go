package console

import (
	"crypto/rand"
	"errors"
	"net/http"

	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/handover"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/idempotency"
	"barillet/web/reply"
	"barillet/web/site"
)

// Config contains what the console needs beside the services of other pages. All fields are required.
type Config struct {
	Outbox *mail.Outbox
	Ring   *store.Keyring // encrypts the stored answers
}

// Pages serves the console.
type Pages struct {
	*site.Site
	Config
	Directory *directory.Service // with its Admin and HelpDesk
	Handover  *handover.Service
	Freeze    *freeze.Service

	keys    *idempotency.Keys
	notices map[string]bool // the values of ?done= that have a sentence: the names of acts, and further outcomes
}

// New returns the pages of the console.
func New(s *site.Site, directory *directory.Service, handover *handover.Service, freeze *freeze.Service, c Config) *Pages {
	return &Pages{Site: s, Config: c, Directory: directory, Handover: handover, Freeze: freeze, keys: idempotency.New(s.Accounts, c.Ring, s.Now), notices: map[string]bool{}}
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (c *Pages) Register(r *site.Router) {
	c.registerStart(r)
	c.registerRequests(r)
	c.registerHandOver(r)
	c.registerPeople(r)
	c.registerGroups(r)
	c.registerRoles(r)
	c.registerApprovals(r)
	c.registerTokens(r)
	if c.OIDC != nil {
		c.registerApplications(r)
	}
	c.registerWebhooks(r)
	c.registerMail(r)
	c.registerLog(r)
}

// handler answers a request of an administrator once, or returns an error without an answer.
type handler func(w http.ResponseWriter, r *http.Request, p admin.Principal) error

// get registers a page that only reads.
func (c *Pages) get(r *site.Router, path string, h handler) {
	r.Page("GET "+path, c.administrator(h), throttle.ConsoleReads)
}

// administrator returns a handler that calls h with the principal of the session.
func (c *Pages) administrator(h handler) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := site.VisitorOf(r)
		p, err := c.Directory.Admin.SessionPrincipal(r.Context(), v.Info)
		if err != nil {
			return err
		}
		if err = h(w, r, p); errors.Is(err, audit.ErrID) { // a cursor that no list gave
			err = errcode.New(errcode.NotFound)
		}
		return err
	}
}

// sections lists the parts of the navigation, and the permission without which one is not shown.
var sections = []struct {
	name, path string
	need       admin.Permission
	unscoped   bool // only for principals without a group scope
}{
	{"start", "/console", admin.PermRead, false},
	{"requests", requestsPath, admin.PermRead, false},
	{"people", personPath, admin.PermRead, false},
	{"groups", groupsPath, admin.PermRead, false},
	{"roles", rolesPath, admin.PermRead, true},
	{"approvals", approvalsPath, admin.PermRead, true},
	{"tokens", tokensPath, admin.PermListTokens, false},
	{"applications", applicationsPath, admin.PermReadConfiguration, true},
	{"webhooks", webhooksPath, admin.PermReadConfiguration, true},
	{"mail", mailPath, admin.PermRead, true},
	{"log", logPath, admin.PermRead, false},
}

// base returns the part that all pages of the console have. section is the present part of the navigation.
func (c *Pages) base(r *http.Request, p admin.Principal, section string) view.Base {
	b := view.Base{Base: c.Base(r), Section: section, Once: rand.Text()}
	if done := r.URL.Query().Get("done"); c.notices[done] {
		b.Notice = &templates.Message{Key: templates.Key("act." + done + ".done")}
	}
	if r.URL.Query().Get("again") == "sent_before" {
		b.Notice = &templates.Message{Key: "console.sent_before"}
	}
	for _, s := range sections {
		if p.Allows(s.need) && !(s.unscoped && p.Scoped()) && (s.path != applicationsPath || c.OIDC != nil) {
			entry := view.Section{Name: s.name, Path: s.path}
			switch s.name {
			case "requests":
				entry.Waiting, entry.More = c.waiting(r, p)
			case "approvals":
				entry.Waiting, entry.More = c.pending(r, p)
			}
			b.Sections = append(b.Sections, entry)
		}
	}
	return b
}

// waiting returns the number of requests that nobody has, for the navigation, and whether there can be more. A page is not refused for
// lack of it.
func (c *Pages) waiting(r *http.Request, p admin.Principal) (n int, more bool) {
	open, err := c.Directory.HelpDesk.CountOpen(r.Context(), p, maxShownRequests)
	if err != nil {
		reply.Report(r, err)
	}
	return open.N, open.More
}

// pending returns the number of resets that wait for an approval, for the navigation, and whether there can be more.
func (c *Pages) pending(r *http.Request, p admin.Principal) (n int, more bool) {
	all, next, err := c.Directory.HelpDesk.Approvals(r.Context(), p, "", maxShownRequests)
	if err != nil {
		reply.Report(r, err)
	}
	return len(all), next != ""
}
