package selfservice

import (
	"net/http"

	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) getCopy(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.accountWithStepUp)
	if err != nil {
		return err
	}
	page := templates.CopyRemove{Base: s.Base(r), Device: s.deviceOf(a, d), Proven: !d.Usable() || a.PrimaryDevices > 1}
	for _, c := range page.Device.Copies {
		if c.ID == r.PathValue("copy") {
			page.Copy, page.Others = c, others(d, c.ID)
			return s.Render(w, http.StatusOK, page)
		}
	}
	return errcode.New(errcode.NotFound)
}

// others returns the names of the phones that must scan again after the removal of a copy.
func others(d factors.Device, lost string) []string {
	out := []string{d.Name}
	for _, c := range d.Copies {
		if c.ID != lost {
			out = append(out, c.Name)
		}
	}
	return out
}

// postCopy removes a copy, and shows the QR code of the new secret to the remaining phones (protocol rule 15).
func (s *Pages) postCopy(w http.ResponseWriter, r *http.Request) error {
	_, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	session, lost := site.VisitorOf(r).Session, r.PathValue("copy")
	replace, issued, err := s.Enrolment.RemoveCopy(r.Context(), site.RequestInfo(r), session, d.ID, lost)
	if err != nil {
		return err
	}
	want := enrol.Request{Kind: d.Kind, Replace: d.ID}
	if replace {
		want.LostCopy = lost
	} else {
		if err := s.SetCookies(w, r, issued); err != nil {
			return err
		}
		session = issued.Session
	}
	path, err := s.begin(w, r, enrolFlow{Flow: enrol.Flow{Session: session}}, want)
	if err != nil {
		return err
	}
	return site.Redirect(w, path)
}

func (s *Pages) getReplace(w http.ResponseWriter, r *http.Request) error {
	page, err := s.replacePage(r, s.Base(r))
	return s.renderMade(w, page, err)
}

func (s *Pages) replacePage(r *http.Request, b templates.Base) (templates.Replace, error) {
	a, d, err := device(r, s.account)
	if err != nil {
		return templates.Replace{}, err
	}
	e, err := s.Enrolment.Pending(r.Context(), enrol.Flow{Session: site.VisitorOf(r).Session})
	code := errcode.Of(err)
	if code == errcode.Expired || code == errcode.StepUpRequired || err == nil && e.Replace != d.ID {
		return templates.Replace{}, &site.WrongStep{Path: "/account?again=ceremony_gone"}
	}
	if err != nil {
		return templates.Replace{}, err
	}
	page := templates.Replace{Base: b, Device: s.deviceOf(a, d), Works: d.Usable() && e.Lost != ""}
	for _, c := range d.Copies {
		if c.ID == e.Lost {
			page.Lost = c.Name
		} else {
			page.Others = append(page.Others, c.Name)
		}
	}
	page.Scan, err = templates.ReadScan(e.Prompt.View)
	return page, err
}

func (s *Pages) postReplace(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code")
	if err != nil {
		return err
	}
	page, err := s.replacePage(r, s.BaseAt(r, site.CurrentPath(r)))
	if err != nil {
		return err
	}
	done, err := s.Enrolment.FinishEnrol(r.Context(), site.RequestInfo(r), enrol.Flow{Session: site.VisitorOf(r).Session}, "", []byte(f["code"]))
	if errcode.Of(err) == errcode.Expired {
		return &site.WrongStep{Path: "/account?again=ceremony_gone"}
	}
	if err != nil {
		return err
	}
	if !done.Accepted() {
		page.Problem, _, _ = s.Rejected(done.Verification, factors.InputCode)
		return s.Render(w, http.StatusUnprocessableEntity, page)
	}
	return s.setCookiesThen(w, r, done.Credentials, "/account?done=copy_removed")
}
