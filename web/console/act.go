package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/idempotency"
	"barillet/web/reply"
	"barillet/web/site"
)

// act is an operation that an administrator confirms on a page of its own. Its sentences are those of view.Act.
type act struct {
	name    string
	path    string // of http.ServeMux
	section string
	need    admin.Permission // the page and the form ask for a step-up first if this permission NeedsProof
	budget  throttle.Quota   // throttle.APIWrites, or NeverRefused if it only ends access
	danger  bool             // the button is red
	reason  bool             // asks for a reason, which the events keep

	unscoped bool // refused to a principal with a group scope, before a step-up

	// repeatable is true if a repeat of the operation is harmless. The others are performed once for each form.
	repeatable bool

	// open returns what the page shows. It returns the errors of the page of the object, such as NotFound.
	open func(r *http.Request, p admin.Principal) (form, error)

	// run performs the operation.
	run func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error)
}

// form is what the page of an act shows.
type form struct {
	subject string // name of the user or object concerned
	back    string // path of its page
	fields  []view.Field
}

// outcome is what follows an operation. Without a secret or a file it is a redirect.
type outcome struct {
	next   string                            // path; "": form.back
	secret *view.SecretShown                 // the fields that depend on the operation
	file   func(w http.ResponseWriter) error // writes the answer; only of an act that is repeatable
	page   templates.Page                    // shown once instead
}

// input is what was sent: the values of the fields of a form, valid as far as the fields say, and those of the path.
type input struct {
	r      *http.Request
	values url.Values
}

func (in input) get(field string) string { return in.values.Get(field) }

func (in input) all(field string) []string { return in.values[field] }

func (in input) ticked(field string) bool { return in.values.Get(field) == "yes" }

func (in input) path(name string) string { return in.r.PathValue(name) }

// maxReason is the maximum length of a reason, in characters.
const maxReason = 500

// act registers the page and the form of an operation.
func (s *shell) act(r *site.Router, a act) {
	s.addNotice(a.name)
	r.Page("GET "+a.path, s.administrator(func(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
		return s.getAct(w, r, p, a)
	}), throttle.ConsoleReads)
	r.Page("POST "+a.path, s.administrator(func(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
		return s.postAct(w, r, p, a)
	}), a.budget)
}

// getAct shows the form. Its fields have the values of the query, with which a step-up returns.
func (s *shell) getAct(w http.ResponseWriter, r *http.Request, p admin.Principal, a act) error {
	page, _, err := s.actPage(r, p, a)
	if err != nil {
		return err
	}
	view.Fill(page.Fields, r.URL.Query())
	return s.Render(w, http.StatusOK, page)
}

// actPage returns the page of an act, and what the page shows. It returns the refusal of an administrator who may not perform
// the act, or has not proven a device.
func (s *shell) actPage(r *http.Request, p admin.Principal, a act) (view.Act, form, error) {
	if a.unscoped && p.Scoped() {
		return view.Act{}, form{}, errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	if err := p.Require(a.need); err != nil {
		return view.Act{}, form{}, err
	}
	f, err := a.open(r, p)
	if err != nil {
		return view.Act{}, f, err
	}
	if a.reason {
		f.fields = append(f.fields, view.Field{Name: "reason", Kind: "text", Max: maxReason, HasHint: true})
	}
	for i := range f.fields {
		if f.fields[i].Kind != "hidden" {
			f.fields[i].Focus = true
			break
		}
	}
	page := view.Act{Base: s.base(r, p, a.section), Words: a.name, Subject: f.subject, Action: r.URL.EscapedPath(), Back: f.back, Fields: f.fields, Danger: a.danger}
	return page, f, nil
}

func (s *shell) postAct(w http.ResponseWriter, r *http.Request, p admin.Principal, a act) error {
	values, err := site.ReadValues(r)
	if err != nil {
		return err
	}
	page, f, err := s.actPage(r, p, a)
	if err != nil {
		return err
	}
	page.Path = r.URL.EscapedPath()
	view.Fill(page.Fields, values)
	in, err := readInput(r, page.Fields, values)
	if err == nil {
		err = s.perform(w, r, p, a, page, f, in)
	}
	return s.renderRefused(w, err, &page)
}

// perform runs an act and answers.
func (s *shell) perform(w http.ResponseWriter, r *http.Request, p admin.Principal, a act, page view.Act, f form, in input) error {
	from := site.RequestInfo(r)
	from.Reason = in.get("reason")
	done := site.WithQuery(f.back, "done", a.name)
	do := func(ctx context.Context) error {
		out, err := a.run(ctx, p, from, in)
		switch {
		case err != nil:
			return err
		case out.secret != nil:
			shown := *out.secret
			shown.Base, shown.Words, shown.Back = page.Base, a.name, cmp.Or(shown.Back, f.back)
			return s.Render(w, http.StatusOK, shown)
		case out.file != nil:
			return out.file(w)
		case out.page != nil:
			return s.Render(w, http.StatusOK, out.page)
		case out.next != "":
			return site.Redirect(w, out.next)
		}
		return site.Redirect(w, done)
	}
	once := in.values.Get("once")
	if a.repeatable || once == "" {
		return do(r.Context())
	}
	key := idempotency.Request{Principal: p.ID, Key: r.URL.EscapedPath() + " " + once, Digest: digestOf(r, p, page.Fields, in),
		Keep: func(any) (int, any, error) {
			return http.StatusSeeOther, site.WithQuery(f.back, "again", "sent_before"), nil
		}}
	err := s.keys.Once(r.Context(), key, do, func(first idempotency.Answer) error {
		var next string
		if err := json.Unmarshal(first.Body, &next); err != nil {
			return err
		}
		return site.Redirect(w, next)
	})
	if errors.Is(err, idempotency.ErrOtherRequest) {
		return errcode.New(errcode.Conflict)
	}
	return err
}

// digestOf returns the digest of a form that was sent.
func digestOf(r *http.Request, p admin.Principal, fields []view.Field, in input) []byte {
	parts := [][]byte{[]byte(r.URL.EscapedPath()), p.Rights()}
	for _, f := range fields {
		parts = append(parts, []byte(f.Name), []byte(strings.Join(in.values[f.Name], "\x00")))
	}
	return idempotency.Digest(parts...)
}

// readInput returns the values of fields. It returns an Invalid error with the field that lacks a value, or has one that
// is too long or no option.
func readInput(r *http.Request, fields []view.Field, values url.Values) (input, error) {
	in := input{r: r, values: url.Values{"once": values["once"]}}
	for _, f := range fields {
		sent := values[f.Name]
		if f.Kind != "ticks" && len(sent) > 1 {
			return in, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindDuplicate, Member: f.Name}
		}
		given := 0
		for _, v := range sent {
			switch {
			case utf8.RuneCountInString(v) > f.Length():
				return in, errcode.InvalidField(f.Name, "too_long")
			case v != "" && len(f.Options) > 0 && !f.Offers(v):
				return in, errcode.InvalidField(f.Name, "unknown")
			case strings.TrimSpace(v) != "":
				given++
			}
		}
		if given == 0 && !f.Optional && f.Kind != "tick" {
			return in, errcode.InvalidField(f.Name, "empty")
		}
		in.values[f.Name] = sent
	}
	return in, nil
}

// renderRefused renders a form again with the sentence for a refusal. It returns an error that has none.
func (s *shell) renderRefused(w http.ResponseWriter, err error, page *view.Act) error {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok || e.Code == errcode.StepUpRequired || e.Code == errcode.NoSession || e.Code == errcode.NotFound && e.Reason == "" {
		return err
	}
	page.Problem = templates.NewProblem(refusal(s.Renderer, page.Lang, e))
	page.Problem.Wait = e.RetryAfter
	if e.Assignee != "" {
		page.Problem.Args = map[string]string{"Assignee": e.Assignee}
	}
	for i := range page.Fields {
		if f := &page.Fields[i]; e.Code == errcode.Invalid && f.Name == e.Field {
			f.Error = &page.Problem.Message
		}
	}
	status, retry := reply.Status(err)
	return s.RenderAfter(w, status, retry, *page)
}
