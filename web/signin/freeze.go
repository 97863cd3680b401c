package signin

import (
	"net/http"

	"barillet/authn/freeze"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/site"
)

// getFreeze offers to block a lost device before the second step. Where that is not allowed, the help form is the next page
// (protocol rule 12).
func (s *Pages) getFreeze(w http.ResponseWriter, r *http.Request) error {
	devices, err := s.Freeze.CanAtSignIn(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Transaction)
	if errcode.HasReason(err, errcode.ReasonUnknownBrowser) || err == nil && len(devices) == 0 {
		return site.Redirect(w, "/help/request?topic=phone_lost")
	}
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, s.freezeForm(s.Base(r), devices))
}

func (s *Pages) freezeForm(b templates.Base, devices []factors.Device) templates.Freeze {
	return templates.Freeze{Base: b, Action: "/login/freeze", Devices: s.FreezeChoices(devices)}
}

func (s *Pages) postFreeze(w http.ResponseWriter, r *http.Request) error {
	device, err := site.ReadFrozenDevice(r)
	if err != nil {
		return err
	}
	login := site.VisitorOf(r).Transaction
	devices, err := s.Freeze.CanAtSignIn(r.Context(), site.RequestInfo(r), login)
	if errcode.HasReason(err, errcode.ReasonUnknownBrowser) {
		return site.Redirect(w, "/help/request?topic=phone_lost")
	}
	if err != nil {
		return err
	}
	if _, err := s.Freeze.AtSignIn(r.Context(), site.RequestInfo(r), login, device); err != nil {
		return s.RenderNotFrozen(w, err, func(p *templates.Problem) templates.Page {
			return s.freezeForm(s.BaseWithProblem(r, site.WithNext("/login/freeze", site.Next(r)), p), devices)
		})
	}
	st, err := s.Authn.Transaction(r.Context(), login)
	if err != nil {
		return err
	}
	done := "device_frozen"
	if device == freeze.All {
		done = "devices_frozen"
	}
	return site.Redirect(w, site.WithNext(site.WithQuery(site.StepPath(st.Step), "done", done), site.Next(r)))
}

// freezePage returns the page on which the visitor can block a lost device without help; "" if there is none.
func (s *Pages) freezePage(r *http.Request) (string, error) {
	v := site.VisitorOf(r)
	if v.SignedIn() {
		return "/account/freeze", nil
	}
	if v.Transaction.IsZero() {
		return "", nil
	}
	devices, err := s.Freeze.CanAtSignIn(r.Context(), site.RequestInfo(r), v.Transaction)
	switch {
	case errcode.Of(err) != "" || err == nil && len(devices) == 0:
		return "", nil
	case err != nil:
		return "", err
	}
	return "/login/freeze", nil
}

// getFreezeLink shows the form of a link in an email. It changes nothing, because mail scanners follow links.
func (s *Pages) getFreezeLink(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	login, err := s.Freeze.LinkedLogin(r.Context(), secret.From(token))
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.FreezeLink{Base: s.Base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.FreezeLink{Base: s.Base(r), Token: token, Login: login})
}

// postFreezeLink acts for the user of the link, also beside a session of another user: it opens nothing.
func (s *Pages) postFreezeLink(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	login, err := s.Freeze.LinkedLogin(r.Context(), secret.From(token))
	if err == nil {
		_, err = s.Freeze.ByLink(r.Context(), site.RequestInfo(r), secret.From(token))
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.FreezeLink{Base: s.BaseAt(r, site.CurrentPath(r)), Gone: true})
	}
	if err != nil {
		return s.RenderNotFrozen(w, err, func(p *templates.Problem) templates.Page {
			return templates.FreezeLink{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Token: token, Login: login}
		})
	}
	return site.Redirect(w, "/freeze/done")
}
