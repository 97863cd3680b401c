package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	words "barillet/internal/input"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/api/systemlog"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// LogPath is the path of the log; that of one event follows it.
const LogPath = "/console/log"

// registerLog registers the pages of the audit log.
func (c *Pages) registerLog(r *site.Router) {
	c.Get(r, LogPath, c.getLog)
	c.Get(r, LogPath+"/{eid}", c.getEvent)
	c.Act(r, shell.Act{Name: "log_export", Path: LogPath + "/export", Section: "log", Need: admin.PermExport, Budget: throttle.APIWrites, Reason: true, Repeatable: true,
		Open: openExport, Run: c.exportLog})
}

// logFilters are the parameters of a selection of events.
var logFilters = []string{"user", "actor", "type", "outcome", "since", "until"}

// selection is a selection of events: a query, and what the page of the log says about it.
type selection struct {
	query          audit.Query
	subject, actor string // ids
	page           view.Log
	none           bool // a user must be chosen first, or there is none
}

// selectEvents reads the filters in values.
func (c *Pages) selectEvents(ctx context.Context, p admin.Principal, values url.Values) (s selection, err error) {
	f := &s.page.Filter
	*f = view.LogFilter{Subject: strings.TrimSpace(values.Get("user")), Actor: strings.TrimSpace(values.Get("actor")), Type: values.Get("type"), Outcome: values.Get("outcome"),
		Since: values.Get("since"), Until: values.Get("until")}
	s.query = audit.Query{Descending: true, Limit: shell.RowsPerPage, After: values.Get("after")}
	if s.query.Since, err = c.day("since", f.Since, 0); err != nil {
		return s, err
	}
	if s.query.Until, err = c.day("until", f.Until, 1); err != nil {
		return s, err
	}
	if s.subject, err = c.whom(ctx, p, &s, f.Subject, false); err != nil {
		return s, err
	}
	if s.actor, err = c.whom(ctx, p, &s, f.Actor, true); err != nil {
		return s, err
	}
	if f.Type != "" {
		s.query.Actions = []string{f.Type}
	}
	switch {
	case s.subject != "":
		s.query.Subjects = []string{s.subject}
	case s.actor != "":
		s.query.Entities = []string{s.actor}
	}
	outcome, actor := f.Outcome, s.actor
	s.query.Keep = func(e audit.Entry) bool {
		return (outcome == "" || e.Outcome == outcome) && (actor == "" || e.Actor.ID == actor)
	}
	return s, nil
}

// day returns the beginning of a day of a filter, or of one some days later. Without a day it returns the zero time.
func (c *Pages) day(field, text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, c.Renderer.Zone())
	if err != nil {
		return time.Time{}, errcode.InvalidField(field, "date")
	}
	return at.AddDate(0, 0, later), nil
}

// maxChoices is the number of users among whom an administrator chooses.
const maxChoices = 10

// whom returns the id of the user that a filter means: by id, login, or the only name that begins so. If it means several or none, the
// page says so. An id is not looked up first, so it need not be of a user within the scope (protocol rule 21).
func (c *Pages) whom(ctx context.Context, p admin.Principal, s *selection, text string, actor bool) (id string, err error) {
	name := &s.page.Filter.SubjectName
	if actor {
		name = &s.page.Filter.ActorName
	}
	if text == "" {
		return "", nil
	}
	u, err := c.Directory.Admin.User(ctx, p, text)
	switch {
	case err == nil:
		*name = u.DisplayName()
		return string(u.ID), nil
	case errcode.Of(err) != errcode.NotFound:
		return "", err
	case account.IsUserID(text):
		*name = text
		return text, nil
	}
	found, _, err := c.Directory.Users(ctx, p, roster.UserQuery{Prefix: text, Limit: maxChoices})
	if err != nil {
		return "", err
	}
	if len(found) == 1 {
		*name = found[0].DisplayName()
		return string(found[0].ID), nil
	}
	s.none = true
	if len(found) == 0 {
		s.page.Nobody = text
	}
	for _, u := range found {
		s.page.Choices = append(s.page.Choices, view.LogChoice{Name: u.DisplayName(), Login: u.Login, Actor: actor, Path: choicePath(s.page.Filter, actor, string(u.ID))})
	}
	return "", nil
}

// choicePath returns the path of the log with a user chosen.
func choicePath(f view.LogFilter, actor bool, id string) string {
	if actor {
		f.Actor = id
	} else {
		f.Subject = id
	}
	q := url.Values{}
	for name, v := range map[string]string{"user": f.Subject, "actor": f.Actor, "type": f.Type, "outcome": f.Outcome, "since": f.Since, "until": f.Until} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return LogPath + "?" + q.Encode()
}

func (c *Pages) getLog(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	if err := p.Require(admin.PermRead); err != nil {
		return err
	}
	s, err := c.selectEvents(r.Context(), p, r.URL.Query())
	if err != nil {
		if errcode.Of(err) != errcode.Invalid {
			return err
		}
		s.none = true
	}
	page := s.page
	page.Base = c.Base(r, p, "log")
	if err != nil {
		page.Problem = templates.NewProblem("invalid.date")
	}
	page.Types = c.eventTypes(page.Lang)
	if !s.none {
		found, next, err := c.readEvents(r, p, s.query)
		if err != nil {
			return err
		}
		if page.Events, err = c.events(r.Context(), p, page.Lang, found); err != nil {
			return err
		}
		page.More = shell.MorePath(r, next)
		page.Export = exportPath(r.URL.Query())
	}
	return c.Render(w, http.StatusOK, page)
}

// readsPerPage is the number of events and indexes that a page of the log reads for one page of the budget.
const readsPerPage = 1000

// readEvents returns a page of events. What it reads beyond the first part counts against the budget of the next pages.
func (c *Pages) readEvents(r *http.Request, p admin.Principal, q audit.Query) ([]audit.Entry, string, error) {
	cost := 0
	q.Cost = &cost
	found, next, err := c.Directory.Admin.Events(r.Context(), p, q)
	if errors.Is(err, audit.ErrID) {
		err = errcode.New(errcode.NotFound)
	}
	v := site.VisitorOf(r)
	for ; cost > readsPerPage; cost -= readsPerPage {
		c.Accounts.Budgets.Charge(c.Now(), throttle.ConsoleReads, throttle.Caller{Session: v.Info.ID, User: string(v.Info.User), Address: site.RequestInfo(r).Address})
	}
	return found, next, err
}

// eventTypes returns the event types in words, in the order of these.
func (c *Pages) eventTypes(lang string) []view.Option {
	var out []view.Option
	for _, action := range systemlog.EventTypes() {
		text, err := c.Renderer.Sentence(lang, templates.Message{Key: c.eventWords(lang, action)})
		if err == nil {
			out = append(out, view.Option{Value: action, Text: text})
		}
	}
	sort.Slice(out, func(i, j int) bool { return words.Fold(out[i].Text) < words.Fold(out[j].Text) })
	return out
}

// eventWords returns the sentence of an event type.
func (c *Pages) eventWords(lang, action string) templates.Key {
	key := templates.Key("log.type." + strings.ReplaceAll(action, ".", "_"))
	if c.Renderer.Has(lang, key) {
		return key
	}
	return "log.type.unlisted"
}

// events returns the rows of events. Users have their present names, within the scope of p.
func (c *Pages) events(ctx context.Context, p admin.Principal, lang string, found []audit.Entry) ([]view.Event, error) {
	names, err := c.eventNames(ctx, p, found)
	if err != nil {
		return nil, err
	}
	out := make([]view.Event, len(found))
	for i, e := range found {
		out[i] = view.Event{Path: LogPath + "/" + e.ID, At: e.At, Action: e.Action, Words: c.eventWords(lang, e.Action), Count: e.Count(), Outcome: e.Outcome, Reason: e.Reason,
			Actor: named(names, e.Actor), Subject: shell.UserNamed(names, e.Subject, e.SubjectName)}
	}
	return out, nil
}

func (c *Pages) eventNames(ctx context.Context, p admin.Principal, found []audit.Entry) (map[string]string, error) {
	var ids []string
	for _, e := range found {
		ids = append(ids, e.Subject, e.Actor.ID)
		for _, t := range e.Targets {
			ids = append(ids, t.ID)
		}
	}
	return c.Directory.Admin.Names(ctx, p, ids)
}

// named returns the actor or a target of an event by name.
func named(names map[string]string, a audit.Actor) view.Named {
	if a.Type == audit.TypeUser {
		return shell.UserNamed(names, a.ID, a.Name)
	}
	return view.Named{Kind: cmp.Or(a.Type, audit.TypeUnknown), Name: a.Name, ID: a.ID}
}

func (c *Pages) getEvent(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	ctx := r.Context()
	e, err := c.Directory.Admin.Event(ctx, p, r.PathValue("eid"))
	if err != nil {
		return err
	}
	found := []audit.Entry{e}
	page := view.EventPage{Base: c.Base(r, p, "log"), ID: e.ID, Address: e.Address, Agent: words.DescribeUserAgent(e.Agent), Request: e.Request, Session: e.Session}
	rows, err := c.events(ctx, p, page.Lang, found)
	if err != nil {
		return err
	}
	page.Event = rows[0]
	names, err := c.eventNames(ctx, p, found)
	if err != nil {
		return err
	}
	for _, t := range e.Targets {
		page.Targets = append(page.Targets, named(names, t))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		page.Details = append(page.Details, view.EventDetail{Name: name, Value: e.Detail[name]})
	}
	if !p.Scoped() {
		if err := c.prove(ctx, p, &page); err != nil {
			return err
		}
	}
	return c.Render(w, http.StatusOK, page)
}

// prove adds the proof that the log has the event.
func (c *Pages) prove(ctx context.Context, p admin.Principal, page *view.EventPage) error {
	proof, err := c.Directory.Admin.ProveEvent(ctx, p, page.ID)
	if errcode.HasReason(err, errcode.ReasonUnsigned) {
		page.Unproven = &templates.Message{Key: "refused.unsigned"}
		return nil
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(proof, "", "  ")
	if err != nil {
		return err
	}
	page.Proof = &view.EventProof{Number: proof.Number, Head: proof.Head, JSON: string(text)}
	return nil
}
