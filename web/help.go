package web

import (
	"net/http"
	"regexp"
	"slices"

	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/templates"
)

func (s *server) getHelpRequest(w http.ResponseWriter, r *http.Request) error {
	page := templates.HelpRequest{Base: s.base(r), Topic: notice.Topic(r.URL.Query().Get("topic"))}
	if !slices.Contains(notice.Topics(), page.Topic) {
		page.Topic = notice.TopicCannotLogIn
	}
	switch v := visitOf(r); {
	case v.SignedIn():
		page.Email = v.live.Login
	case !v.login.IsZero():
		// Only a password that was proven fills the address in (EXPERIENCE, second step).
		st, err := s.Authn.Transaction(r.Context(), v.login)
		if err != nil && errcode.Of(err) == "" {
			return err
		}
		page.Email = st.Login
	}
	return s.render(w, http.StatusOK, page)
}

// postHelpRequest answers the same whether anybody is known by the address or not (BAR A12).
func (s *server) postHelpRequest(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "email", "topic", "message")
	if err != nil {
		return err
	}
	topic := notice.Topic(f["topic"])
	if topic != "" && !slices.Contains(notice.Topics(), topic) {
		return errcode.InvalidField("topic", "unknown")
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.HelpRequest{Base: s.baseWithProblem(r, "/help/request", p), Email: f["email"], Topic: topic, Message: f["message"]}
	}
	if f["email"] == "" {
		return s.render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem("email", templates.ProblemMissing)))
	}
	reference, err := s.HelpDesk.Submit(r.Context(), origin(r), helpdesk.Submission{Email: f["email"], Topic: f["topic"], Message: f["message"],
		Login: visitOf(r).login})
	if err != nil {
		return s.renderProblem(w, err, page)
	}
	return redirect(w, withQuery("/help/sent", "reference", reference))
}

// aReference is the shape of a help request's number. Anything else in the query is not shown.
var aReference = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,23}$`)

func (s *server) getHelpSent(w http.ResponseWriter, r *http.Request) error {
	reference := r.URL.Query().Get("reference")
	if !aReference.MatchString(reference) {
		return redirect(w, "/help")
	}
	return s.render(w, http.StatusOK, templates.HelpSent{Base: s.base(r), Reference: reference})
}
