package web

import (
	"net/http"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/reply"
)

func (s *server) getTicket(w http.ResponseWriter, r *http.Request) error {
	st, err := s.loginAt(r, visitOf(r).login, authn.StepTicket)
	if err != nil {
		return err
	}
	page := templates.Ticket{Base: s.base(r), CanRenew: st.CanRenew}
	switch {
	case r.URL.Query().Get("done") == "ticket_sent":
		page.State = templates.TicketRenewed
	case page.Problem == nil:
		page.Notice = templates.NewNotice(templates.NoticeWereReset)
	}
	return s.render(w, http.StatusOK, page)
}

// ticketStates are the refusals that have a state of the page of their own.
var ticketStates = map[errcode.Code]templates.TicketState{
	errcode.InvalidLink:    templates.TicketUsed,
	errcode.TicketExpired:  templates.TicketExpired,
	errcode.SameProvenance: templates.TicketSameProvenance,
}

func (s *server) postTicket(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "ticket")
	if err != nil {
		return err
	}
	login := visitOf(r).login
	if f["ticket"] == "" {
		return s.ticketAgain(w, r, login, func(page templates.Ticket) error {
			page.Problem = templates.NewFieldProblem("ticket", templates.ProblemMissing)
			return s.render(w, http.StatusUnprocessableEntity, page)
		})
	}
	step, err := s.Authn.RedeemTicketCode(r.Context(), origin(r), login, f["ticket"])
	return s.presented(w, r, login, step, err)
}

// presented answers what presenting a ticket came to, in a login whose password is proven.
func (s *server) presented(w http.ResponseWriter, r *http.Request, login secret.Value, step authn.Step, err error) error {
	if err == nil {
		return s.beginThen(w, r, login, pathOf(step)) // it lasts ten minutes from here
	}
	if errcode.Of(err) == errcode.WrongState {
		_, err = s.loginAt(r, login)
		return err
	}
	return s.ticketAgain(w, r, login, func(page templates.Ticket) error {
		if state, ok := ticketStates[errcode.Of(err)]; ok {
			status, _ := reply.Status(err)
			page.State = state
			return s.render(w, status, page)
		}
		return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	})
}

// ticketAgain prepares the page of a login that still waits for its ticket.
func (s *server) ticketAgain(w http.ResponseWriter, r *http.Request, login secret.Value, show func(templates.Ticket) error) error {
	st, err := s.loginAt(r, login, authn.StepTicket, authn.StepEnrol)
	if err != nil {
		return err
	}
	return show(templates.Ticket{Base: s.baseAt(r, "/login/ticket"), CanRenew: st.CanRenew})
}

func (s *server) postTicketRenew(w http.ResponseWriter, r *http.Request) error {
	err := s.Authn.ResendTicket(r.Context(), origin(r), visitOf(r).login)
	if errcode.Of(err) == errcode.WrongState {
		if _, err := s.loginAt(r, visitOf(r).login, authn.StepTicket); err != nil {
			return err
		}
		return redirect(w, "/login/ticket?again=ticket_no_more")
	}
	if err != nil {
		return err
	}
	return redirect(w, "/login/ticket?done=ticket_sent")
}

// getTicketLink shows the form behind a mailed link. Mail scanners follow links: nothing changes (PROTOCOL 7).
func (s *server) getTicketLink(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	page := templates.TicketLink{Base: s.base(r), Token: token}
	err := s.Authn.TicketLink(r.Context(), secret.From(token))
	if err == nil {
		return s.render(w, http.StatusOK, page)
	}
	state, ok := ticketStates[errcode.Of(err)]
	if !ok {
		return err
	}
	status, _ := reply.Status(err)
	page.State = state
	return s.render(w, status, page)
}

// postTicketLink proves the password and binds the ticket to the login that this begins, in this browser and no
// other.
func (s *server) postTicketLink(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "identifier", "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	page := func(p *templates.Problem) templates.Page {
		return templates.TicketLink{Base: s.baseWithProblem(r, shownAt(r), p), Token: token, Identifier: f["identifier"]}
	}
	if field := f.missing("identifier", "password"); field != "" {
		return s.render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	started, err := s.Authn.StartWithPassword(r.Context(), origin(r), f["identifier"], f["password"], "")
	if err != nil {
		return s.renderProblem(w, asSignIn(err), page)
	}
	if err := s.beginLogin(w, r, started.Login); err != nil {
		return err
	}
	if started.Step != authn.StepTicket {
		return redirect(w, pathOf(started.Step))
	}
	step, err := s.Authn.RedeemTicketLink(r.Context(), origin(r), started.Login, secret.From(token))
	return s.presented(w, r, started.Login, step, err)
}

func (s *server) getInvite(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	who, err := s.Authn.Invitation(r.Context(), secret.From(token))
	if errcode.Of(err) == errcode.InvalidLink {
		return s.render(w, http.StatusNotFound, templates.Invite{Base: s.base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, s.invitePage(s.base(r), token, who))
}

func (s *server) invitePage(b templates.Base, token string, who authn.Invited) templates.Invite {
	return templates.Invite{Base: b, Token: token, Inviter: who.By, Garage: who.Garage, Login: who.Login, Least: s.least()}
}

func (s *server) postInvite(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	who, err := s.Authn.Invitation(r.Context(), secret.From(token))
	if err == nil {
		var started authn.TransactionRef
		if started, err = s.Authn.AcceptInvitation(r.Context(), origin(r), secret.From(token), f["password"]); err == nil {
			return s.beginThen(w, r, started.Login, pathOf(started.Step))
		}
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.render(w, http.StatusNotFound, templates.Invite{Base: s.baseAt(r, shownAt(r)), Gone: true})
	}
	return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
		return s.invitePage(s.baseWithProblem(r, shownAt(r), p), token, who)
	})
}
