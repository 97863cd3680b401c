package selfservice

import (
	"net/http"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// confirmPage returns the page of a device that needs the confirmation of the user (protocol rule 22). Another device
// is not found.
func (s *Pages) confirmPage(r *http.Request, b templates.Base, read func(*http.Request) (authn.AccountView, error)) (templates.DeviceConfirm, error) {
	a, d, err := device(r, read)
	if err == nil && !d.Unconfirmed() {
		err = errcode.New(errcode.NotFound)
	}
	return templates.DeviceConfirm{Base: b, Device: s.deviceOf(a, d)}, err
}

func (s *Pages) getConfirm(w http.ResponseWriter, r *http.Request) error {
	page, err := s.confirmPage(r, s.Base(r), s.accountWithStepUp)
	return s.renderMade(w, page, err)
}

// postConfirm accepts a code of the device itself, which shows that the user has it.
func (s *Pages) postConfirm(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code")
	if err != nil {
		return err
	}
	page, err := s.confirmPage(r, s.BaseAt(r, site.CurrentPath(r)), s.account)
	if err != nil {
		return err
	}
	v, err := s.Enrolment.ConfirmDevice(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.DeviceID(page.Device.ID), []byte(f["code"]))
	switch {
	case err != nil:
		return err
	case v.Accepted():
		return site.Redirect(w, "/account?done=device_confirmed")
	}
	return s.RenderRejected(w, v, factors.InputCode, func(p *templates.Problem) templates.Page {
		page.Problem = p
		return page
	})
}
