package selfservice

import (
	"net/http"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) postRename(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "name")
	if err != nil {
		return err
	}
	a, err := s.account(r)
	if err != nil {
		return err
	}
	err = s.Authn.RenameDevice(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.DeviceID(r.PathValue("id")), f["name"])
	if errcode.Of(err) == errcode.Invalid {
		page, wrong := s.accountPage(r, s.BaseAt(r, "/account"), a)
		if wrong != nil {
			return wrong
		}
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	}
	if err != nil {
		return err
	}
	return site.Redirect(w, "/account?done=device_renamed")
}

func (s *Pages) getRemove(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.accountWithStepUp)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.DeviceRemove{Base: s.Base(r), Device: s.deviceOf(a, d)})
}

func (s *Pages) postRemove(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	issued, err := s.Authn.RemoveDevice(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, d.ID)
	if errcode.Of(err) == errcode.LastDevice {
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			return templates.DeviceRemove{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Device: s.deviceOf(a, d)}
		})
	}
	if err != nil {
		return err
	}
	return s.setCookiesThen(w, r, issued, site.WithNext("/account?done=device_removed", site.Next(r)))
}

// getShowQR asks for a code for this operation (protocol rule 5).
func (s *Pages) getShowQR(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	if !s.Enrolment.CanCopy(d) && (d.Disabled != enrol.DisabledScanAgain || d.IsFrozen()) {
		return site.Redirect(w, "/account?again=no_copies")
	}
	page := templates.DeviceShow{Base: s.Base(r), Device: s.deviceOf(a, d), CopyName: copyName(d), Wait: s.waitForNextCode(a.Devices)}
	return s.Render(w, http.StatusOK, page)
}

// copyName returns the name of a copy that must scan again; "" if there is none.
func copyName(d factors.Device) string {
	for _, c := range d.Copies {
		if c.ScanAgain {
			return c.Name
		}
	}
	return ""
}

// waitForNextCode returns the time until the next code, if the current code was used already.
func (s *Pages) waitForNextCode(devices []factors.Device) time.Duration {
	now := s.Now()
	for _, d := range devices {
		period := s.Accounts.Method(d.Kind).Period
		if period > 0 && !d.LastUsed.IsZero() && d.LastUsed.Truncate(period).Equal(now.Truncate(period)) {
			return now.Truncate(period).Add(period).Sub(now)
		}
	}
	return 0
}

// postShowQR shows the QR code to another phone: to a copy that must scan again, or to a new copy.
func (s *Pages) postShowQR(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "name", "code")
	if err != nil {
		return err
	}
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	if d.Disabled == enrol.DisabledScanAgain && !d.IsFrozen() {
		return s.replaceSecret(w, r, a, d, f)
	}
	page := s.showQRPage(r, a, d, f["name"])
	copyID := ""
	for _, c := range d.Copies {
		if c.ScanAgain && c.Name == strings.TrimSpace(f["name"]) {
			copyID = c.ID
		}
	}
	v, err := s.Enrolment.ShowQR(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, d.ID, copyID, f["name"], factors.InputCode, []byte(f["code"]))
	if err != nil {
		return s.RenderProblem(w, err, page)
	}
	if !v.Accepted() {
		return s.RenderRejected(w, v, factors.InputCode, page)
	}
	return site.Redirect(w, devicePath(d.ID, "copy"))
}

func (s *Pages) showQRPage(r *http.Request, a authn.AccountView, d factors.Device, name string) func(*templates.Problem) templates.Page {
	return func(p *templates.Problem) templates.Page {
		return templates.DeviceShow{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Device: s.deviceOf(a, d), CopyName: name}
	}
}

// replaceSecret replaces a secret that was disabled with a lost copy (protocol rule 15). The user steps up with a code
// of another device, because the old secret has no valid code.
func (s *Pages) replaceSecret(w http.ResponseWriter, r *http.Request, a authn.AccountView, d factors.Device, f site.Form) error {
	v, err := s.Authn.StepUp(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.InputCode, []byte(f["code"]))
	if err != nil {
		return err
	}
	if !v.Accepted() {
		return s.RenderRejected(w, v, factors.InputCode, s.showQRPage(r, a, d, f["name"]))
	}
	flow := enrolFlow{Flow: enrol.Flow{Session: site.VisitorOf(r).Session}}
	path, err := s.begin(w, r, flow, enrol.Request{Kind: d.Kind, Replace: d.ID})
	if err != nil {
		return err
	}
	return site.Redirect(w, path)
}

func (s *Pages) getQR(w http.ResponseWriter, r *http.Request) error {
	page, err := s.qrPage(r, s.Base(r))
	return s.renderMade(w, page, err)
}

func (s *Pages) qrPage(r *http.Request, b templates.Base) (templates.DeviceShown, error) {
	a, d, err := device(r, s.account)
	if err != nil {
		return templates.DeviceShown{}, err
	}
	c, err := s.Enrolment.PendingCopy(r.Context(), site.VisitorOf(r).Session)
	if errcode.Of(err) == errcode.Expired || err == nil && c.Device != d.ID {
		return templates.DeviceShown{}, &site.WrongStep{Path: devicePath(d.ID, "show") + "?again=ceremony_gone"}
	}
	if err != nil {
		return templates.DeviceShown{}, err
	}
	scan, err := templates.ReadScan(c.Prompt.View)
	return templates.DeviceShown{Base: b, Scan: scan, Device: s.deviceOf(a, d), CopyID: c.Copy, CopyName: c.Name}, err
}

func (s *Pages) postQR(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code", "copy")
	if err != nil {
		return err
	}
	page, err := s.qrPage(r, s.BaseAt(r, site.CurrentPath(r)))
	if err != nil {
		return err
	}
	if f["copy"] != page.CopyID { // another window shows another copy
		return &site.WrongStep{Path: site.CurrentPath(r) + "?again=changed"}
	}
	v, err := s.Enrolment.ConfirmCopy(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, []byte(f["code"]))
	if errcode.Of(err) == errcode.Expired {
		return &site.WrongStep{Path: devicePath(factors.DeviceID(page.Device.ID), "show") + "?again=ceremony_gone"}
	}
	if err != nil {
		return err
	}
	if v.Accepted() {
		return site.Redirect(w, "/account?done=copy_added")
	}
	p, status, retry := s.Rejected(v, factors.InputCode)
	if status == http.StatusUnauthorized { // the code does not identify the user
		status = http.StatusUnprocessableEntity
	}
	if v.Rejected == factors.ReasonReplayed {
		p.Message.Key = templates.ProblemCopyOld
		p.Fields["code"] = p.Message
	}
	page.Problem = p
	return s.RenderAfter(w, status, retry, page)
}
