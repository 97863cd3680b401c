package web

import (
	"net/http"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

func (s *server) postRename(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "name")
	if err != nil {
		return err
	}
	a, err := s.account(r)
	if err != nil {
		return err
	}
	err = s.Authn.RenameDevice(r.Context(), origin(r), visitOf(r).session, factors.DeviceID(r.PathValue("id")), f["name"])
	if errcode.Of(err) == errcode.Invalid {
		page, wrong := s.accountPage(r, s.baseAt(r, "/account"), a)
		if wrong != nil {
			return wrong
		}
		return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	}
	if err != nil {
		return err
	}
	return redirect(w, "/account?done=device_renamed")
}

func (s *server) getRemove(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.proven)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, templates.DeviceRemove{Base: s.base(r), Device: s.deviceOf(a, d)})
}

func (s *server) postRemove(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	issued, err := s.Authn.RemoveDevice(r.Context(), origin(r), visitOf(r).session, d.ID)
	if errcode.Of(err) == errcode.LastDevice {
		return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
			return templates.DeviceRemove{Base: s.baseWithProblem(r, shownAt(r), p), Device: s.deviceOf(a, d)}
		})
	}
	if err != nil {
		return err
	}
	return s.adoptThen(w, r, issued, "/account?done=device_removed")
}

// getShow asks for a code for this act alone (PROTOCOL 5).
func (s *server) getShow(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	if !s.Enrolment.CanCopy(d) && d.Disabled != enrol.DisabledScanAgain {
		return redirect(w, "/account?again=no_copies")
	}
	page := templates.DeviceShow{Base: s.base(r), Device: s.deviceOf(a, d), CopyName: copyName(d), Wait: s.usedUp(a)}
	return s.render(w, http.StatusOK, page)
}

// copyName suggests the phone that must scan again, if there is one.
func copyName(d factors.Device) string {
	for _, c := range d.Copies {
		if c.ScanAgain {
			return c.Name
		}
	}
	return ""
}

// usedUp is how long a code that was taken already goes on being shown; 0 when the present one is good.
func (s *server) usedUp(a authn.AccountView) time.Duration {
	now := s.Now()
	for _, d := range a.Devices {
		period := s.Accounts.Method(d.Kind).Period
		if period > 0 && !d.LastUsed.IsZero() && d.LastUsed.Truncate(period).Equal(now.Truncate(period)) {
			return untilNextCode(now, period)
		}
	}
	return 0
}

// postShow shows the QR code again to the phone that is named: one that must scan again, or a new one.
func (s *server) postShow(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "name", "code")
	if err != nil {
		return err
	}
	a, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	if d.Disabled == enrol.DisabledScanAgain {
		return s.postShowReplaced(w, r, a, d, f)
	}
	page := s.showPage(r, a, d, f["name"])
	copyID := ""
	for _, c := range d.Copies {
		if c.ScanAgain && c.Name == strings.TrimSpace(f["name"]) {
			copyID = c.ID
		}
	}
	j, err := s.Enrolment.ShowQR(r.Context(), origin(r), visitOf(r).session, d.ID, copyID, f["name"], factors.InputCode, []byte(f["code"]))
	if err != nil {
		return s.renderProblem(w, err, page)
	}
	if !j.Accepted() {
		return s.judged(w, j, factors.InputCode, page)
	}
	return redirect(w, devicePath(d.ID, "copy"))
}

func (s *server) showPage(r *http.Request, a authn.AccountView, d factors.Device, name string) func(*templates.Problem) templates.Page {
	return func(p *templates.Problem) templates.Page {
		return templates.DeviceShow{Base: s.baseWithProblem(r, shownAt(r), p), Device: s.deviceOf(a, d), CopyName: name}
	}
}

// postShowReplaced gives a device whose secret died with a lost copy another one (PROTOCOL 15), after a code of
// another phone: there is no old QR code to show.
func (s *server) postShowReplaced(w http.ResponseWriter, r *http.Request, a authn.AccountView, d factors.Device, f form) error {
	j, err := s.Authn.StepUp(r.Context(), origin(r), visitOf(r).session, factors.InputCode, []byte(f["code"]))
	if err != nil {
		return err
	}
	if !j.Accepted() {
		return s.judged(w, j, factors.InputCode, s.showPage(r, a, d, f["name"]))
	}
	seat := seated{Flow: enrol.Flow{Session: visitOf(r).session}}
	path, err := s.begin(w, r, seat, enrol.Request{Kind: d.Kind, Replace: d.ID})
	if err != nil {
		return err
	}
	return redirect(w, path)
}

func (s *server) getShown(w http.ResponseWriter, r *http.Request) error {
	page, err := s.shownPage(r, s.base(r))
	return s.showMade(w, page, err)
}

func (s *server) shownPage(r *http.Request, b templates.Base) (templates.DeviceShown, error) {
	a, d, err := device(r, s.account)
	if err != nil {
		return templates.DeviceShown{}, err
	}
	c, err := s.Enrolment.PendingCopy(r.Context(), visitOf(r).session)
	if errcode.Of(err) == errcode.Expired || err == nil && c.Device != d.ID {
		return templates.DeviceShown{}, &wrongStep{devicePath(d.ID, "show") + "?again=ceremony_gone"}
	}
	if err != nil {
		return templates.DeviceShown{}, err
	}
	scan, err := templates.ReadScan(c.Prompt.View)
	return templates.DeviceShown{Base: b, Scan: scan, Device: s.deviceOf(a, d), CopyID: c.Copy, CopyName: c.Name}, err
}

func (s *server) postShown(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "code", "copy")
	if err != nil {
		return err
	}
	page, err := s.shownPage(r, s.baseAt(r, shownAt(r)))
	if err != nil {
		return err
	}
	if f["copy"] != page.CopyID { // another window showed another one meanwhile
		return &wrongStep{shownAt(r) + "?again=changed"}
	}
	j, err := s.Enrolment.ConfirmCopy(r.Context(), origin(r), visitOf(r).session, []byte(f["code"]))
	if errcode.Of(err) == errcode.Expired {
		return &wrongStep{devicePath(factors.DeviceID(page.Device.ID), "show") + "?again=ceremony_gone"}
	}
	if err != nil {
		return err
	}
	if j.Accepted() {
		return redirect(w, "/account?done=copy_added")
	}
	p, status, retry := s.rejected(j, factors.InputCode)
	if status == http.StatusUnauthorized { // the phone that is added proves nothing here
		status = http.StatusUnprocessableEntity
	}
	if j.Rejected == factors.ReasonReplayed {
		p.Message.Key = templates.ProblemCopyOld
		p.Fields["code"] = p.Message
	}
	page.Problem = p
	return s.showLater(w, status, retry, page)
}
