package shell

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/idempotency"
	"barillet/web/site"
)

// Shell is a Site whose visitors are administrators. All pages of the console have the same one.
type Shell struct {
	*site.Site
	admin    *admin.Service
	sections []Section
	keys     *idempotency.Keys
	notices  map[string]bool // the values of ?done= that have a sentence: the names of acts, and further outcomes
}

// Section is a part of the navigation. Its pages are not shown to a principal who may not read them.
type Section struct {
	Name, Path string // the name is that of view.Section
	Need       admin.Permission
	Unscoped   bool                                         // only for principals without a group scope
	Waiting    func(r *http.Request, p admin.Principal) int // what waits for p; nil: nothing
}

// New returns a shell whose navigation has the sections. ring encrypts the stored answers.
func New(s *site.Site, principals *admin.Service, ring *store.Keyring, sections []Section) *Shell {
	return &Shell{Site: s, admin: principals, sections: sections, keys: idempotency.New(s.Accounts, ring, s.Now), notices: map[string]bool{}}
}

// Handler answers a request of an administrator once, or returns an error without an answer.
type Handler func(w http.ResponseWriter, r *http.Request, p admin.Principal) error

// Get registers a page that only reads. What the handler calls checks the permission.
func (s *Shell) Get(r *site.Router, path string, h Handler) {
	r.Page("GET "+path, s.administrator(h), throttle.ConsoleReads)
}

// Post registers a form that is no act. What the handler calls checks the permission.
func (s *Shell) Post(r *site.Router, path string, h Handler, budget throttle.Quota) {
	r.Page("POST "+path, s.administrator(h), budget)
}

// administrator returns a handler that calls h with the principal of the session.
func (s *Shell) administrator(h Handler) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := s.admin.SessionPrincipal(r.Context(), site.VisitorOf(r).Info)
		if err != nil {
			return err
		}
		p = p.As(s.Role(r))
		if err = h(w, r, p); errors.Is(err, audit.ErrID) { // a cursor that no list gave
			err = errcode.New(errcode.NotFound)
		}
		return err
	}
}

// RegisterRole registers the choice of the role as which a user with several acts (protocol rule 35).
func (s *Shell) RegisterRole(r *site.Router) {
	s.Post(r, "/console/role", func(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
		f, err := site.ReadForm(r, "role")
		if err != nil {
			return err
		}
		if role := account.Role(f["role"]); slices.Contains(p.Roles(), role) {
			s.SetRole(w, role)
			return site.Redirect(w, "/console")
		}
		return errcode.InvalidField("role", "unknown")
	}, throttle.APIWrites)
}

// AddNotice registers a further outcome of an act. The page with ?done={name} shows the sentence "act.{name}.done".
func (s *Shell) AddNotice(name string) { s.notices[name] = true }

// Base returns the part that all pages of the console have. present is the name of the present section.
func (s *Shell) Base(r *http.Request, p admin.Principal, present string) view.Base {
	b := view.Base{Base: s.Site.Base(r), Section: present, Once: rand.Text()}
	if roles := p.Roles(); len(roles) > 1 {
		b.Role = string(p.Role)
		for _, role := range roles {
			b.Roles = append(b.Roles, string(role))
		}
	}
	if done := r.URL.Query().Get("done"); s.notices[done] {
		b.Notice = &templates.Message{Key: templates.Key("act." + done + ".done")}
	}
	if r.URL.Query().Get("again") == "sent_before" {
		b.Notice = &templates.Message{Key: "console.sent_before"}
	}
	for _, x := range s.sections {
		if !p.Allows(x.Need) || x.Unscoped && p.Scoped() {
			continue
		}
		entry := view.Section{Name: x.Name, Path: x.Path}
		if x.Waiting != nil {
			entry.Waiting = x.Waiting(r, p)
		}
		b.Sections = append(b.Sections, entry)
	}
	return b
}
