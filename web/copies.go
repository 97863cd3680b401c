package web

import (
	"net/http"

	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

func (s *server) getCopy(w http.ResponseWriter, r *http.Request) error {
	a, d, err := device(r, s.proven)
	if err != nil {
		return err
	}
	page := templates.CopyRemove{Base: s.base(r), Device: s.deviceOf(a, d), Proven: !d.Usable() || a.PrimaryDevices > 1}
	for _, c := range page.Device.Copies {
		if c.ID == r.PathValue("copy") {
			page.Copy, page.Others = c, others(d, c.ID)
			return s.render(w, http.StatusOK, page)
		}
	}
	return errcode.New(errcode.NotFound)
}

// others are the phones that scan again once a copy is gone: the device itself and its other copies.
func others(d factors.Device, lost string) []string {
	out := []string{d.Name}
	for _, c := range d.Copies {
		if c.ID != lost {
			out = append(out, c.Name)
		}
	}
	return out
}

// postCopy takes a phone off a shared QR code, and shows the new one that takes its place (PROTOCOL 15).
func (s *server) postCopy(w http.ResponseWriter, r *http.Request) error {
	_, d, err := device(r, s.account)
	if err != nil {
		return err
	}
	session, lost := visitOf(r).session, r.PathValue("copy")
	replace, issued, err := s.Enrolment.RemoveCopy(r.Context(), origin(r), session, d.ID, lost)
	if err != nil {
		return err
	}
	want := enrol.Request{Kind: d.Kind, Replace: d.ID}
	if replace {
		want.LostCopy = lost
	} else {
		if err := s.setCookies(w, r, issued); err != nil {
			return err
		}
		session = issued.Session
	}
	path, err := s.begin(w, r, seated{Flow: enrol.Flow{Session: session}}, want)
	if err != nil {
		return err
	}
	return redirect(w, path)
}

func (s *server) getReplace(w http.ResponseWriter, r *http.Request) error {
	page, err := s.replacePage(r, s.base(r))
	return s.showMade(w, page, err)
}

func (s *server) replacePage(r *http.Request, b templates.Base) (templates.Replace, error) {
	a, d, err := device(r, s.account)
	if err != nil {
		return templates.Replace{}, err
	}
	e, err := s.Enrolment.Pending(r.Context(), enrol.Flow{Session: visitOf(r).session})
	code := errcode.Of(err)
	if code == errcode.Expired || code == errcode.StepUpRequired || err == nil && e.Replace != d.ID {
		return templates.Replace{}, &wrongStep{"/account?again=ceremony_gone"}
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

func (s *server) postReplace(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "code")
	if err != nil {
		return err
	}
	page, err := s.replacePage(r, s.baseAt(r, shownAt(r)))
	if err != nil {
		return err
	}
	done, err := s.Enrolment.FinishEnrol(r.Context(), origin(r), enrol.Flow{Session: visitOf(r).session}, "", []byte(f["code"]))
	if errcode.Of(err) == errcode.Expired {
		return &wrongStep{"/account?again=ceremony_gone"}
	}
	if err != nil {
		return err
	}
	if !done.Accepted() {
		page.Problem, _, _ = s.rejected(done.Verification, factors.InputCode)
		return s.render(w, http.StatusUnprocessableEntity, page)
	}
	return s.adoptThen(w, r, done.Credentials, "/account?done=copy_removed")
}
