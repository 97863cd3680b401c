package web

import (
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

// account reads the visitor's own account; nobody signed in is NoSession.
func (s *server) account(r *http.Request) (authn.AccountView, error) {
	v := visitOf(r)
	if !v.SignedIn() {
		return authn.AccountView{}, errcode.New(errcode.NoSession)
	}
	return s.Authn.Account(r.Context(), v.session)
}

// proven is account for an act that asks for a fresh proof: it is asked for before the form is shown, so that
// nobody fills one in for nothing. Whether it counts is judged by authn again when the act is done.
func (s *server) proven(r *http.Request) (authn.AccountView, error) {
	a, err := s.account(r)
	if err == nil && !a.Proven {
		err = errcode.New(errcode.StepUpRequired)
	}
	return a, err
}

func (s *server) getAccount(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	page, err := s.accountPage(r, s.base(r), a)
	return s.showMade(w, page, err)
}

func (s *server) accountPage(r *http.Request, b templates.Base, a authn.AccountView) (templates.Account, error) {
	made, left, err := s.codesLeft(r.Context(), a.User)
	if err != nil {
		return templates.Account{}, err
	}
	page := templates.Account{Base: b, Login: a.Login, Garages: a.Groups, RecoveryMade: made, RecoveryLeft: left,
		CopiesAllowed: s.Accounts.Policy.AllowCopies}
	for _, d := range a.Devices {
		if s.Accounts.Method(d.Kind).Input != factors.InputBackup {
			page.Devices = append(page.Devices, s.deviceOf(a, d))
		}
	}
	page.AtRisk = a.Counted <= 1 && left == 0
	for _, ses := range a.Sessions {
		page.Sessions = append(page.Sessions, templates.Session{ID: ses.ID, Browser: account.DescribeUserAgent(ses.Agent), Address: ses.Address,
			Started: ses.Since, Seen: ses.LastSeen, This: ses.Current, Program: ses.FromAPI})
	}
	if page.Applications, err = s.applications(r); err != nil {
		return templates.Account{}, err
	}
	for _, e := range a.Recent {
		page.Events = append(page.Events, templates.Event{At: e.At, Action: e.What, Device: e.Detail,
			Browser: account.DescribeUserAgent(e.Agent), Address: e.Address, OK: !e.Failed})
	}
	return page, nil
}

// deviceOf is a device as the pages show it.
func (s *server) deviceOf(a authn.AccountView, d factors.Device) templates.Device {
	m := s.Accounts.Method(d.Kind)
	out := templates.Device{ID: string(d.ID), Name: d.Name, Slug: m.Slug, Input: string(m.Input), App: appOf(d.App), Added: d.Added,
		LastUsed: d.LastUsed, Disabled: d.Disabled, By: d.EnrolledBy, Last: d.Usable() && m.Primary && a.Counted <= 1,
		Shareable: s.Enrolment.CanCopy(d) || d.Disabled == enrol.DisabledScanAgain}
	for _, c := range d.Copies {
		out.Copies = append(out.Copies, templates.Copy{ID: c.ID, Name: c.Name, Shown: c.Shown, Confirmed: !c.Confirmed.IsZero(), ScanAgain: c.ScanAgain})
	}
	return out
}

// device finds the device that a path names among those of an account, which account or proven reads.
func device(r *http.Request, read func(*http.Request) (authn.AccountView, error)) (authn.AccountView, factors.Device, error) {
	a, err := read(r)
	if err != nil {
		return a, factors.Device{}, err
	}
	for _, d := range a.Devices {
		if string(d.ID) == r.PathValue("id") {
			return a, d, nil
		}
	}
	return a, factors.Device{}, errcode.New(errcode.NotFound)
}

func devicePath(id factors.DeviceID, act string) string {
	return "/account/devices/" + string(id) + "/" + act
}

func (s *server) getAdd(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), enrol.Flow{Session: visitOf(r).session})
	}
	if err != nil {
		return err
	}
	page := templates.AddDevice{Base: s.base(r), CopiesAllowed: s.Accounts.Policy.AllowCopies}
	page.Choices, page.Full = s.choices(a.Devices)
	for _, d := range a.Devices {
		if s.Enrolment.CanCopy(d) {
			page.Phones = append(page.Phones, s.deviceOf(a, d))
		}
	}
	return s.render(w, http.StatusOK, page)
}

func (s *server) getRenew(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), enrol.Flow{Session: visitOf(r).session})
	}
	if err != nil {
		return err
	}
	made, left, err := s.codesLeft(r.Context(), a.User)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, templates.RecoveryRenew{Base: s.base(r), Made: made, Left: left})
}

func (s *server) postRenew(w http.ResponseWriter, r *http.Request) error {
	if !visitOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	seat := seated{Flow: enrol.Flow{Session: visitOf(r).session}}
	path, err := s.begin(w, r, seat, enrol.Request{Kind: s.backupKind()})
	if err != nil {
		return err
	}
	return redirect(w, path)
}

func (s *server) postEndSession(w http.ResponseWriter, r *http.Request) error {
	if err := s.Sessions.RevokeSession(r.Context(), origin(r), visitOf(r).session, r.PathValue("id")); err != nil {
		return err
	}
	return redirect(w, "/account?done=session_ended")
}

func (s *server) postEndOthers(w http.ResponseWriter, r *http.Request) error {
	issued, err := s.Sessions.RevokeOthers(r.Context(), origin(r), visitOf(r).session)
	if err != nil {
		return err
	}
	return s.adoptThen(w, r, issued, "/account?done=others_ended")
}
