package selfservice

import (
	"net/http"

	"barillet/authn/freeze"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// getFreeze offers to block a lost device. It needs no step-up, except in a browser of several users (protocol rule 12).
func (s *Pages) getFreeze(w http.ResponseWriter, r *http.Request) error {
	page, err := s.freezeForm(r, s.Base(r))
	return s.renderMade(w, page, err)
}

func (s *Pages) freezeForm(r *http.Request, b templates.Base) (templates.Freeze, error) {
	if !site.VisitorOf(r).SignedIn() {
		return templates.Freeze{}, errcode.New(errcode.NoSession)
	}
	devices, err := s.Freeze.CanInSession(r.Context(), site.VisitorOf(r).Session)
	return templates.Freeze{Base: b, Action: "/account/freeze", Devices: s.FreezeChoices(devices)}, err
}

func (s *Pages) postFreeze(w http.ResponseWriter, r *http.Request) error {
	device, err := site.ReadFrozenDevice(r)
	if err != nil {
		return err
	}
	page, err := s.freezeForm(r, s.BaseAt(r, "/account/freeze"))
	if err != nil {
		return err
	}
	out, err := s.Freeze.InSession(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, device)
	switch {
	case err != nil:
		return s.RenderNotFrozen(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	case out.Credentials.Session.IsZero() && out.All:
		return site.Redirect(w, "/freeze/done")
	}
	return s.setCookiesThen(w, r, out.Credentials, site.WithNext("/account?done=device_frozen", site.Next(r)))
}

// unfreezeState returns what the user needs to end the block of the device in the path.
func (s *Pages) unfreezeState(r *http.Request) (freeze.EndState, error) {
	if !site.VisitorOf(r).SignedIn() {
		return freeze.EndState{}, errcode.New(errcode.NoSession)
	}
	return s.Freeze.CanEnd(r.Context(), site.VisitorOf(r).Session, factors.DeviceID(r.PathValue("id")))
}

// stepUpToUnfreeze returns the error that leads to a step-up by a device that can end the block.
func stepUpToUnfreeze(r *http.Request, state freeze.EndState) error {
	switch {
	case state.Proven || len(state.Proofs) == 0:
		return nil
	case state.Other:
		return &site.WrongStep{Path: site.WithQuery("/account/prove", "next", site.WithNext(r.URL.EscapedPath(), site.Next(r))) + "&again=other_device"}
	}
	return errcode.New(errcode.StepUpRequired)
}

func (s *Pages) getUnfreeze(w http.ResponseWriter, r *http.Request) error {
	state, err := s.unfreezeState(r)
	if err != nil {
		return err
	}
	if err := stepUpToUnfreeze(r, state); err != nil {
		return err
	}
	page := templates.DeviceUnfreeze{Base: s.Base(r), Device: s.FreezeChoices([]factors.Device{state.Device})[0]}
	for _, d := range state.Proofs {
		page.Proofs = append(page.Proofs, d.Name)
	}
	return s.Render(w, http.StatusOK, page)
}

func (s *Pages) postUnfreeze(w http.ResponseWriter, r *http.Request) error {
	state, err := s.unfreezeState(r)
	if err != nil {
		return err
	}
	if err := stepUpToUnfreeze(r, state); err != nil {
		return err
	}
	issued, err := s.Freeze.End(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, state.Device.ID)
	if errcode.HasReason(err, errcode.ReasonNoDevice) {
		return site.Redirect(w, devicePath(state.Device.ID, "unfreeze"))
	}
	if err != nil {
		return err
	}
	return s.setCookiesThen(w, r, issued, site.WithNext("/account?done=device_unfrozen", site.Next(r)))
}
