package signin

import (
	"net/http"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/reply"
	"barillet/web/site"
)

func (s *Pages) getTicket(w http.ResponseWriter, r *http.Request) error {
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepTicket)
	if err != nil {
		return err
	}
	page := templates.Ticket{Base: s.Base(r), CanRenew: st.CanResendTicket}
	switch {
	case r.URL.Query().Get("done") == "ticket_sent":
		page.State = templates.TicketRenewed
	case page.Problem == nil:
		page.Notice = templates.NewNotice(templates.NoticeWereReset)
	}
	return s.Render(w, http.StatusOK, page)
}

// ticketStates maps errors to states of the page.
var ticketStates = map[errcode.Code]templates.TicketState{
	errcode.InvalidLink:    templates.TicketUsed,
	errcode.TicketExpired:  templates.TicketExpired,
	errcode.SameProvenance: templates.TicketSameProvenance,
}

func (s *Pages) postTicket(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "ticket")
	if err != nil {
		return err
	}
	login := site.VisitorOf(r).Transaction
	if f["ticket"] == "" {
		return s.retryTicket(w, r, login, func(page templates.Ticket) error {
			page.Problem = templates.NewFieldProblem("ticket", templates.ProblemMissing)
			return s.Render(w, http.StatusUnprocessableEntity, page)
		})
	}
	step, err := s.Authn.RedeemTicketCode(r.Context(), site.RequestInfo(r), login, f["ticket"])
	return s.answerRedeemed(w, r, login, step, err)
}

// answerRedeemed answers with the result of redeeming a ticket.
func (s *Pages) answerRedeemed(w http.ResponseWriter, r *http.Request, login secret.Value, step authn.Step, err error) error {
	if err == nil {
		return s.beginThen(w, r, login, site.StepPath(step)) // the step extends the transaction
	}
	if errcode.Of(err) == errcode.WrongState {
		_, err = s.TransactionAt(r, login)
		return err
	}
	return s.retryTicket(w, r, login, func(page templates.Ticket) error {
		if state, ok := ticketStates[errcode.Of(err)]; ok {
			status, _ := reply.Status(err)
			page.State = state
			return s.Render(w, status, page)
		}
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	})
}

// retryTicket calls show with the page of a sign-in that still needs its ticket.
func (s *Pages) retryTicket(w http.ResponseWriter, r *http.Request, login secret.Value, show func(templates.Ticket) error) error {
	st, err := s.TransactionAt(r, login, authn.StepTicket, authn.StepEnrol)
	if err != nil {
		return err
	}
	return show(templates.Ticket{Base: s.BaseAt(r, "/login/ticket"), CanRenew: st.CanResendTicket})
}

func (s *Pages) postTicketRenew(w http.ResponseWriter, r *http.Request) error {
	err := s.Authn.ResendTicket(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Transaction)
	if errcode.Of(err) == errcode.WrongState {
		if _, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepTicket); err != nil {
			return err
		}
		return site.Redirect(w, "/login/ticket?again=ticket_no_more")
	}
	if err != nil {
		return err
	}
	return site.Redirect(w, "/login/ticket?done=ticket_sent")
}

// getTicketLink shows the form of a mailed link. It changes nothing, because mail scanners follow links (protocol rule
// 7).
func (s *Pages) getTicketLink(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	page := templates.TicketLink{Base: s.Base(r), Token: token}
	err := s.Authn.TicketLink(r.Context(), secret.From(token))
	if err == nil { // the user of a valid ticket has no session
		err = s.CheckLink(r, "")
	}
	if err == nil {
		return s.Render(w, http.StatusOK, page)
	}
	state, ok := ticketStates[errcode.Of(err)]
	if !ok {
		return err
	}
	status, _ := reply.Status(err)
	page.State = state
	return s.Render(w, status, page)
}

// postTicketLink verifies the password and binds the ticket to the sign-in of this browser.
func (s *Pages) postTicketLink(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "identifier", "password")
	if err != nil {
		return err
	}
	if err := s.CheckLink(r, ""); err != nil {
		return err
	}
	token := r.PathValue("token")
	page := func(p *templates.Problem) templates.Page {
		return templates.TicketLink{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Token: token, Identifier: f["identifier"]}
	}
	if field := f.Missing("identifier", "password"); field != "" {
		return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	started, err := s.Authn.StartWithPassword(r.Context(), site.RequestInfo(r), f["identifier"], f["password"], "")
	if err != nil {
		return s.RenderProblem(w, asSignIn(err), page)
	}
	if err := s.BeginTransaction(w, r, started.Secret); err != nil {
		return err
	}
	if started.Step != authn.StepTicket {
		return site.Redirect(w, site.StepPath(started.Step))
	}
	step, err := s.Authn.RedeemTicketLink(r.Context(), site.RequestInfo(r), started.Secret, secret.From(token))
	return s.answerRedeemed(w, r, started.Secret, step, err)
}

func (s *Pages) getInvite(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	invited, err := s.Authn.Invitation(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, invited.User)
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.Invite{Base: s.Base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, s.invitePage(s.Base(r), token, invited))
}

func (s *Pages) invitePage(b templates.Base, token string, invited authn.InvitationInfo) templates.Invite {
	return templates.Invite{Base: b, Token: token, Inviter: invited.By, Group: invited.Group, Login: invited.Login, MinLength: s.MinPassword()}
}

func (s *Pages) postInvite(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	invited, err := s.Authn.Invitation(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, invited.User)
	}
	if err == nil {
		var started authn.TransactionRef
		if started, err = s.Authn.AcceptInvitation(r.Context(), site.RequestInfo(r), secret.From(token), f["password"]); err == nil {
			return s.beginThen(w, r, started.Secret, site.StepPath(started.Step))
		}
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.Invite{Base: s.BaseAt(r, site.CurrentPath(r)), Gone: true})
	}
	return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
		return s.invitePage(s.BaseWithProblem(r, site.CurrentPath(r), p), token, invited)
	})
}
