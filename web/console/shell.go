package console

import (
	"crypto/rand"
	"errors"
	"net/http"

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

// shell is a Site whose visitors are administrators.
type shell struct {
	*site.Site
	admin    *admin.Service
	sections []section
	keys     *idempotency.Keys
	notices  map[string]bool // the values of ?done= that have a sentence: the names of acts, and further outcomes
}

// section is a part of the navigation. Its pages are not shown to a principal who may not read them.
type section struct {
	name, path string // the name is that of view.Section
	need       admin.Permission
	unscoped   bool                                         // only for principals without a group scope
	waiting    func(r *http.Request, p admin.Principal) int // what waits for p; nil: nothing
}

// newShell returns a shell whose navigation has the sections. ring encrypts the stored answers.
func newShell(s *site.Site, principals *admin.Service, ring *store.Keyring, sections []section) *shell {
	return &shell{Site: s, admin: principals, sections: sections, keys: idempotency.New(s.Accounts, ring, s.Now), notices: map[string]bool{}}
}

// handler answers a request of an administrator once, or returns an error without an answer.
type handler func(w http.ResponseWriter, r *http.Request, p admin.Principal) error

// get registers a page that only reads.
func (s *shell) get(r *site.Router, path string, h handler) {
	r.Page("GET "+path, s.administrator(h), throttle.ConsoleReads)
}

// post registers a form that is no act.
func (s *shell) post(r *site.Router, path string, h handler, budget throttle.Quota) {
	r.Page("POST "+path, s.administrator(h), budget)
}

// administrator returns a handler that calls h with the principal of the session.
func (s *shell) administrator(h handler) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := s.admin.SessionPrincipal(r.Context(), site.VisitorOf(r).Info)
		if err != nil {
			return err
		}
		if err = h(w, r, p); errors.Is(err, audit.ErrID) { // a cursor that no list gave
			err = errcode.New(errcode.NotFound)
		}
		return err
	}
}

// addNotice adds an outcome after which a page shows the sentence "act.{name}.done". act adds those of acts.
func (s *shell) addNotice(name string) { s.notices[name] = true }

// base returns the part that all pages of the console have. present is the name of the present section.
func (s *shell) base(r *http.Request, p admin.Principal, present string) view.Base {
	b := view.Base{Base: s.Site.Base(r), Section: present, Once: rand.Text()}
	if done := r.URL.Query().Get("done"); s.notices[done] {
		b.Notice = &templates.Message{Key: templates.Key("act." + done + ".done")}
	}
	if r.URL.Query().Get("again") == "sent_before" {
		b.Notice = &templates.Message{Key: "console.sent_before"}
	}
	for _, x := range s.sections {
		if !p.Allows(x.need) || x.unscoped && p.Scoped() {
			continue
		}
		entry := view.Section{Name: x.name, Path: x.path}
		if x.waiting != nil {
			entry.Waiting = x.waiting(r, p)
		}
		b.Sections = append(b.Sections, entry)
	}
	return b
}
