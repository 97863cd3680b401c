package selfservice

import (
	"net/http"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// confirmPage is that of a device which waits for the person's word (PROTOCOL 22); any other is not found here.
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

// postConfirm takes a code of the device itself: it proves that the person has it.
func (s *Pages) postConfirm(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code")
	if err != nil {
		return err
	}
	page, err := s.confirmPage(r, s.BaseAt(r, site.CurrentPath(r)), s.account)
	if err != nil {
		return err
	}
	j, err := s.Enrolment.ConfirmDevice(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.DeviceID(page.Device.ID), []byte(f["code"]))
	switch {
	case err != nil:
		return err
	case j.Accepted():
		return site.Redirect(w, "/account?done=device_confirmed")
	}
	return s.RenderRejected(w, j, factors.InputCode, func(p *templates.Problem) templates.Page {
		page.Problem = p
		return page
	})
}
