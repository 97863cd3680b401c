package signin

import (
	"net/http"
	"regexp"
	"slices"

	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) getHelpRequest(w http.ResponseWriter, r *http.Request) error {
	page := templates.HelpRequest{Base: s.Base(r), Topic: notice.Topic(r.URL.Query().Get("topic")), Message: site.Typed(r)["message"]}
	if typed := site.Typed(r)["topic"]; typed != "" {
		page.Topic = notice.Topic(typed)
	}
	if !slices.Contains(notice.Topics(), page.Topic) {
		page.Topic = notice.TopicCannotLogIn
	}
	switch v := site.VisitorOf(r); {
	case v.SignedIn():
		page.Email = v.Info.Login
	case !v.Transaction.IsZero():
		// The page shows the login only after a correct password.
		st, err := s.Authn.Transaction(r.Context(), v.Transaction)
		if err != nil && errcode.Of(err) == "" {
			return err
		}
		page.Email = st.Login
	}
	var err error
	if page.Freeze, err = s.freezePage(r); err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, page)
}

// postHelpRequest answers the same whether the address belongs to a user or not (promise A12).
func (s *Pages) postHelpRequest(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "email", "topic", "message")
	if err != nil {
		return err
	}
	topic := notice.Topic(f["topic"])
	if topic != "" && !slices.Contains(notice.Topics(), topic) {
		return errcode.InvalidField("topic", "unknown")
	}
	block, err := s.freezePage(r)
	if err != nil {
		return err
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.HelpRequest{Base: s.BaseWithProblem(r, "/help/request", p), Freeze: block, Email: f["email"], Topic: topic, Message: f["message"]}
	}
	if f["email"] == "" {
		return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem("email", templates.ProblemMissing)))
	}
	reference, followed, err := s.HelpDesk.SubmitAndFollow(r.Context(), site.RequestInfo(r), helpdesk.Submission{Email: f["email"], Topic: f["topic"],
		Message: f["message"], Transaction: site.VisitorOf(r).Transaction}, s.FollowedRequests(r))
	if err != nil {
		return s.RenderProblem(w, err, page)
	}
	s.SetFollowedRequests(w, followed, helpdesk.ProgressTTL)
	return site.Redirect(w, site.WithQuery("/help/sent", "reference", reference))
}

// referencePattern matches the reference of a help request. The page shows no other text of the query.
var referencePattern = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,23}$`)

func (s *Pages) getHelpSent(w http.ResponseWriter, r *http.Request) error {
	reference := r.URL.Query().Get("reference")
	if !referencePattern.MatchString(reference) {
		return site.Redirect(w, "/help")
	}
	return s.Render(w, http.StatusOK, templates.HelpSent{Base: s.Base(r), Reference: reference})
}

// getProgress shows the requests that this browser sent. Its cookie alone decides what is shown: not the session, and not the
// address (promise A12).
func (s *Pages) getProgress(w http.ResponseWriter, r *http.Request) error {
	sent, err := s.HelpDesk.Progress(r.Context(), s.FollowedRequests(r))
	if err != nil {
		return err
	}
	page := templates.HelpProgress{Base: s.Base(r)}
	for _, p := range sent {
		page.Requests = append(page.Requests, templates.SentRequest{Reference: p.Reference, At: p.At, State: string(p.State)})
	}
	return s.Render(w, http.StatusOK, page)
}
