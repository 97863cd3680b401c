package selfservice

import (
	"net/http"
	"slices"

	"barillet/authn"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/templates"
	"barillet/web/site"
)

// account returns the account of the user. Without a session the error is NoSession.
func (s *Pages) account(r *http.Request) (authn.AccountView, error) {
	v := site.VisitorOf(r)
	if !v.SignedIn() {
		return authn.AccountView{}, errcode.New(errcode.NoSession)
	}
	return s.Authn.Account(r.Context(), v.Session)
}

// accountWithStepUp is account for an operation that needs a step-up. The user steps up before the form is shown;
// authn checks the step-up again when the form is sent.
func (s *Pages) accountWithStepUp(r *http.Request) (authn.AccountView, error) {
	a, err := s.account(r)
	if err == nil && !a.StepUpFresh {
		err = errcode.New(errcode.StepUpRequired)
	}
	return a, err
}

func (s *Pages) getAccount(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	page, err := s.accountPage(r, s.Base(r), a)
	return s.renderMade(w, page, err)
}

func (s *Pages) accountPage(r *http.Request, b templates.Base, a authn.AccountView) (templates.Account, error) {
	codes, err := s.recoveryCodes(r.Context(), a.User)
	if err != nil {
		return templates.Account{}, err
	}
	page := templates.Account{Base: b, Login: a.Login, Groups: a.Groups, Recovery: codes,
		CopiesAllowed: s.Accounts.Policy.AllowCopies, Locale: a.Locale, Administrator: a.Administrator, CoolOffUntil: a.CoolOffUntil, App: s.LoginContext(r, b.Next).App}
	for _, d := range a.Devices {
		if s.Accounts.Method(d.Kind).Input != factors.InputBackup {
			page.Devices = append(page.Devices, s.deviceOf(a, d))
		}
		if slices.Contains(a.MaybeLost, d.ID) {
			page.MaybeLost = append(page.MaybeLost, s.deviceOf(a, d))
		}
	}
	page.AddFirst = a.PrimaryDevices <= len(a.MaybeLost)
	page.AtRisk = a.PrimaryDevices <= 1 && codes.Left() == 0
	for _, ses := range a.Sessions {
		page.Sessions = append(page.Sessions, templates.Session{ID: ses.ID, Browser: input.DescribeUserAgent(ses.Agent), Address: ses.Address,
			Started: ses.Since, Seen: ses.LastSeen, This: ses.Current, Program: ses.FromAPI})
	}
	if page.Asked, err = s.asked(r); err != nil {
		return templates.Account{}, err
	}
	if page.Applications, err = s.applications(r); err != nil {
		return templates.Account{}, err
	}
	for _, e := range a.Activity {
		page.Events = append(page.Events, templates.Event{At: e.At, Action: e.What, Device: e.Detail,
			Browser: e.Browser, Address: e.Address, OK: !e.Failed})
	}
	return page, nil
}

// deviceOf returns a device as the pages show it.
func (s *Pages) deviceOf(a authn.AccountView, d factors.Device) templates.Device {
	m := s.Accounts.Method(d.Kind)
	out := templates.Device{ID: string(d.ID), Name: d.Name, Slug: m.Slug, Input: string(m.Input), App: appOf(d.App), Added: d.Added,
		LastUsed: d.LastUsed, Frozen: d.Frozen, FrozenBy: d.FrozenBy, Disabled: d.Disabled, By: d.EnrolledBy, Last: d.Usable() && m.Primary && a.PrimaryDevices <= 1,
		Shareable: s.Enrolment.CanCopy(d) || d.Disabled == enrol.DisabledScanAgain && !d.IsFrozen()}
	for _, c := range d.Copies {
		out.Copies = append(out.Copies, templates.Copy{ID: c.ID, Name: c.Name, Shown: c.Shown, Confirmed: !c.Confirmed.IsZero(), ScanAgain: c.ScanAgain})
	}
	return out
}

// device returns the account that read returns, and its device that the path names.
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

func devicePath(id factors.DeviceID, page string) string {
	return "/account/devices/" + string(id) + "/" + page
}

func (s *Pages) getAdd(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), enrol.Flow{Session: site.VisitorOf(r).Session})
	}
	if err != nil {
		return err
	}
	page := templates.AddDevice{Base: s.Base(r), CopiesAllowed: s.Accounts.Policy.AllowCopies}
	page.Choices, page.Full = s.choices(a.Devices)
	for _, d := range a.Devices {
		if s.Enrolment.CanCopy(d) {
			page.Phones = append(page.Phones, s.deviceOf(a, d))
		}
	}
	return s.Render(w, http.StatusOK, page)
}

func (s *Pages) getRecoveryRenew(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), enrol.Flow{Session: site.VisitorOf(r).Session})
	}
	if err != nil {
		return err
	}
	codes, err := s.recoveryCodes(r.Context(), a.User)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.RecoveryRenew{Base: s.Base(r), Recovery: codes})
}

func (s *Pages) postRecoveryRenew(w http.ResponseWriter, r *http.Request) error {
	if !site.VisitorOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	flow := enrolFlow{Flow: enrol.Flow{Session: site.VisitorOf(r).Session}}
	path, err := s.begin(w, r, flow, enrol.Request{Kind: s.backupKind()})
	if err != nil {
		return err
	}
	return site.Redirect(w, site.WithNext(path, site.Next(r)))
}

func (s *Pages) postEndSession(w http.ResponseWriter, r *http.Request) error {
	if err := s.Sessions.RevokeSession(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, r.PathValue("id")); err != nil {
		return err
	}
	return site.Redirect(w, "/account?done=session_ended")
}

func (s *Pages) postEndOthers(w http.ResponseWriter, r *http.Request) error {
	issued, err := s.Sessions.RevokeOthers(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session)
	if err != nil {
		return err
	}
	return s.setCookiesThen(w, r, issued, "/account?done=others_ended")
}

// renderMade renders a page unless err is set.
func (s *Pages) renderMade(w http.ResponseWriter, p templates.Page, err error) error {
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, p)
}

// setCookiesThen sets the cookies for new credentials and redirects to path.
func (s *Pages) setCookiesThen(w http.ResponseWriter, r *http.Request, issued session.Credentials, path string) error {
	if err := s.SetCookies(w, r, issued); err != nil {
		return err
	}
	return site.Redirect(w, path)
}
