package shell

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

// Act is an operation that an administrator confirms on a page of its own. Its sentences are those of view.Act.
type Act struct {
	Name    string           // view.Act.Words
	Path    string           // of http.ServeMux
	Section string           // Section.Name
	Need    admin.Permission // the page and the form ask for a step-up first if this permission NeedsProof
	Budget  throttle.Quota   // throttle.APIWrites, or NeverRefused if it only ends access
	Danger  bool             // the button is red
	Reason  bool             // asks for a reason, which the events keep

	Unscoped bool // refused to a principal with a group scope, before a step-up

	// Repeatable is true if a repeat of the operation is harmless. The others are performed once for each form.
	Repeatable bool

	// Open returns what the page shows. It returns the errors of the page of the object, such as NotFound.
	Open func(r *http.Request, p admin.Principal) (Form, error)

	// Run performs the operation.
	Run func(ctx context.Context, p admin.Principal, from account.RequestInfo, in Input) (Outcome, error)
}

// Form is what the page of an act shows.
type Form struct {
	Subject string // name of the user or object concerned
	Back    string // path of its page
	Fields  []view.Field

	Approval *view.Approval // see view.Act
}

// Outcome is what follows an operation. Without a secret or a file it is a redirect.
type Outcome struct {
	Next   string                            // path; "": Form.Back
	Secret *view.SecretShown                 // the fields that depend on the operation
	File   func(w http.ResponseWriter) error // writes the answer; only of an act that is repeatable
	Page   templates.Page                    // shown once instead
}

// Input is what was sent: the values of the fields of a form, valid as far as the fields say, and those of the path.
type Input struct {
	Request *http.Request
	Values  url.Values
}

// Get returns the value of a field; "" if it has none.
func (in Input) Get(field string) string { return in.Values.Get(field) }

// All returns the values of a field with several.
func (in Input) All(field string) []string { return in.Values[field] }

// Ticked reports whether a box is ticked.
func (in Input) Ticked(field string) bool { return in.Values.Get(field) == "yes" }

// Path returns a value of the path.
func (in Input) Path(name string) string { return in.Request.PathValue(name) }

// maxReason is the maximum length of a reason, in characters.
const maxReason = 500

// Act registers the page and the form of an operation, and the notice that it was performed.
func (s *Shell) Act(r *site.Router, a Act) {
	s.AddNotice(a.Name)
	r.Page("GET "+a.Path, s.administrator(func(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
		return s.getAct(w, r, p, a)
	}), throttle.ConsoleReads)
	r.Page("POST "+a.Path, s.administrator(func(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
		return s.postAct(w, r, p, a)
	}), a.Budget)
}

// getAct shows the form. Its fields have the values of the query, with which a step-up returns.
func (s *Shell) getAct(w http.ResponseWriter, r *http.Request, p admin.Principal, a Act) error {
	page, _, err := s.actPage(r, p, a)
	if err != nil {
		return err
	}
	view.Fill(page.Fields, r.URL.Query())
	return s.Render(w, http.StatusOK, page)
}

// actPage returns the page of an act, and what the page shows. It returns the refusal of an administrator who may not perform
// the act, or has not proven a device.
func (s *Shell) actPage(r *http.Request, p admin.Principal, a Act) (view.Act, Form, error) {
	if a.Unscoped && p.Scoped() {
		return view.Act{}, Form{}, errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	if err := p.Require(a.Need); err != nil {
		return view.Act{}, Form{}, err
	}
	f, err := a.Open(r, p)
	if err != nil {
		return view.Act{}, f, err
	}
	if a.Reason {
		f.Fields = append(f.Fields, view.Field{Name: "reason", Kind: "text", Max: maxReason, HasHint: true})
	}
	for i := range f.Fields {
		if f.Fields[i].Kind != "hidden" {
			f.Fields[i].Focus = true
			break
		}
	}
	page := view.Act{Base: s.Base(r, p, a.Section), Words: a.Name, Subject: f.Subject, Action: r.URL.EscapedPath(), Back: f.Back, Fields: f.Fields, Danger: a.Danger, Approval: f.Approval}
	return page, f, nil
}

func (s *Shell) postAct(w http.ResponseWriter, r *http.Request, p admin.Principal, a Act) error {
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
func (s *Shell) perform(w http.ResponseWriter, r *http.Request, p admin.Principal, a Act, page view.Act, f Form, in Input) error {
	from := site.RequestInfo(r)
	from.Reason = in.Get("reason")
	done := site.WithQuery(f.Back, "done", a.Name)
	do := func(ctx context.Context) error {
		out, err := a.Run(ctx, p, from, in)
		switch {
		case err != nil:
			return err
		case out.Secret != nil:
			shown := *out.Secret
			shown.Base, shown.Words, shown.Back = page.Base, a.Name, cmp.Or(shown.Back, f.Back)
			return s.Render(w, http.StatusOK, shown)
		case out.File != nil:
			return out.File(w)
		case out.Page != nil:
			return s.Render(w, http.StatusOK, out.Page)
		case out.Next != "":
			return site.Redirect(w, out.Next)
		}
		return site.Redirect(w, done)
	}
	once := in.Values.Get("once")
	if a.Repeatable || once == "" {
		return do(r.Context())
	}
	key := idempotency.Request{Principal: p.ID, Key: r.URL.EscapedPath() + " " + once, Digest: digestOf(r, p, page.Fields, in),
		Keep: func(any) (int, any, error) {
			return http.StatusSeeOther, site.WithQuery(f.Back, "again", "sent_before"), nil
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
func digestOf(r *http.Request, p admin.Principal, fields []view.Field, in Input) []byte {
	parts := [][]byte{[]byte(r.URL.EscapedPath()), p.Rights()}
	for _, f := range fields {
		parts = append(parts, []byte(f.Name), []byte(strings.Join(in.Values[f.Name], "\x00")))
	}
	return idempotency.Digest(parts...)
}

// readInput returns the values of fields. It returns an Invalid error with the field that lacks a value, or has one that
// is too long or no option.
func readInput(r *http.Request, fields []view.Field, values url.Values) (Input, error) {
	in := Input{Request: r, Values: url.Values{"once": values["once"]}}
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
		in.Values[f.Name] = sent
	}
	return in, nil
}

// renderRefused renders a form again with the sentence for a refusal. It returns an error that has none.
func (s *Shell) renderRefused(w http.ResponseWriter, err error, page *view.Act) error {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok || e.Code == errcode.StepUpRequired || e.Code == errcode.NoSession || e.Code == errcode.NotFound && e.Reason == "" {
		return err
	}
	page.Problem = templates.NewProblem(s.Refusal(page.Lang, e))
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
