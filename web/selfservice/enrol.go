package selfservice

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// enrolFlow is the enrolment of a visitor, with the devices that the user has.
type enrolFlow struct {
	enrol.Flow
	first   bool // the device completes a sign-in
	devices []factors.Device
	login   string
	lost    bool // the account page asks which device is lost
}

// enrolFlow returns where the visitor may enrol. A sign-in with a ticket or an invitation takes precedence over a session.
func (s *Pages) enrolFlow(r *http.Request) (enrolFlow, error) {
	v := site.VisitorOf(r)
	if !v.Transaction.IsZero() {
		st, err := s.TransactionAt(r, v.Transaction, authn.StepEnrol)
		if err == nil {
			return enrolFlow{Flow: enrol.Flow{Transaction: v.Transaction}, first: true, devices: st.AllDevices, login: st.Login}, nil
		}
		if !v.SignedIn() {
			return enrolFlow{}, err
		}
	}
	a, err := s.account(r)
	if err != nil {
		return enrolFlow{}, err
	}
	return enrolFlow{Flow: enrol.Flow{Session: v.Session}, devices: a.Devices, login: a.Login, lost: len(a.MaybeLost) > 0}, nil
}

// last returns the page after the last one of an enrolment: where the user was going, or page if the user came from
// nowhere else. If the account page asks which device is lost, it comes first.
func (f enrolFlow) last(r *http.Request, page string) string {
	if f.lost {
		return site.WithNext(page, site.Next(r))
	}
	return cmp.Or(site.Next(r), page)
}

// wrongStep returns a WrongStep that keeps where the user was going.
func wrongStep(r *http.Request, path string) error {
	return &site.WrongStep{Path: site.WithNext(path, site.Next(r))}
}

func (s *Pages) getEnrol(w http.ResponseWriter, r *http.Request) error {
	flow, err := s.enrolFlow(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), flow.Flow)
	}
	if err != nil {
		return err
	}
	b := s.Base(r)
	if r.URL.Query().Get("done") == "recovery_used" && site.VisitorOf(r).SignedIn() {
		codes, err := s.recoveryCodes(r.Context(), site.VisitorOf(r).Info.User)
		if err != nil {
			return err
		}
		b.Notice = &templates.Message{Key: templates.NoticeRecoveryUsed, N: codes.Left()}
	}
	return s.Render(w, http.StatusOK, s.chooseDevicePage(b, flow))
}

func (s *Pages) chooseDevicePage(b templates.Base, flow enrolFlow) templates.ChooseDevice {
	choices, full := s.choices(flow.devices)
	return templates.ChooseDevice{Base: b, First: flow.first, Choices: choices, Full: full}
}

func (s *Pages) postEnrolBegin(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "kind", "app")
	if err != nil {
		return err
	}
	flow, err := s.enrolFlow(r)
	if err != nil {
		return err
	}
	kind, app, ok := s.chosenKind(f["kind"], f["app"])
	if !ok {
		return errcode.InvalidField("kind", "unknown")
	}
	path, err := s.begin(w, r, flow, enrol.Request{Kind: kind, App: app})
	if errcode.Of(err) == errcode.TooMany {
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			return s.chooseDevicePage(s.BaseWithProblem(r, site.WithNext("/enrol", site.Next(r)), p), flow)
		})
	}
	if err != nil {
		return err
	}
	return site.Redirect(w, site.WithNext(path, site.Next(r)))
}

// begin begins an enrolment and returns its page.
func (s *Pages) begin(w http.ResponseWriter, r *http.Request, flow enrolFlow, want enrol.Request) (string, error) {
	if _, err := s.Enrolment.BeginEnrol(r.Context(), site.RequestInfo(r), flow.Flow, want); err != nil {
		return "", err
	}
	if flow.first {
		if err := s.BeginTransaction(w, r, flow.Transaction); err != nil { // authn extended the transaction
			return "", err
		}
	}
	if want.Replace != "" {
		return devicePath(want.Replace, "replace"), nil
	}
	return s.enrolPath(want.Kind), nil
}

// pending returns the pending enrolment of the page at a path. If there is none, or it has another page, the error is
// a WrongStep.
func (s *Pages) pending(r *http.Request, path string) (enrolFlow, account.PendingEnrolment, error) {
	flow, err := s.enrolFlow(r)
	if err != nil {
		return enrolFlow{}, account.PendingEnrolment{}, err
	}
	e, err := s.Enrolment.Pending(r.Context(), flow.Flow)
	switch code := errcode.Of(err); {
	case code == errcode.Expired, code == errcode.StepUpRequired:
		return enrolFlow{}, account.PendingEnrolment{}, s.expired(r, flow, path)
	case err != nil:
		return enrolFlow{}, account.PendingEnrolment{}, err
	case e.Replace != "":
		return enrolFlow{}, account.PendingEnrolment{}, &site.WrongStep{Path: devicePath(e.Replace, "replace")}
	case s.enrolPath(e.Kind) != path:
		return enrolFlow{}, account.PendingEnrolment{}, wrongStep(r, s.enrolPath(e.Kind))
	}
	return flow, e, nil
}

// expired returns the error of a page whose enrolment has expired. Recovery codes that were shown count.
func (s *Pages) expired(r *http.Request, flow enrolFlow, path string) error {
	if path == s.enrolPath(s.backupKind()) && !flow.first {
		codes, err := s.recoveryCodes(r.Context(), site.VisitorOf(r).Info.User)
		if err != nil {
			return err
		}
		if len(codes.Lists) > 0 {
			return wrongStep(r, "/account?done=codes_hidden")
		}
		return wrongStep(r, "/account/recovery?again=ceremony_gone")
	}
	return wrongStep(r, "/enrol?again=ceremony_gone")
}

// enrolPage returns the page of the pending enrolment at a path.
func (s *Pages) enrolPage(r *http.Request, b templates.Base, path string) (enrolFlow, templates.Enrol, error) {
	flow, e, err := s.pending(r, path)
	if err != nil {
		return enrolFlow{}, templates.Enrol{}, err
	}
	page := templates.Enrol{Base: b, Slug: s.Accounts.Method(e.Kind).Slug, Options: e.Prompt.JSON, App: templates.AppOf(e.App), DeviceName: e.Name,
		Login: flow.login, First: flow.first, List: string(e.Shown)}
	if e.Shown != "" {
		codes, err := s.recoveryCodes(r.Context(), site.VisitorOf(r).Info.User)
		if err != nil {
			return enrolFlow{}, templates.Enrol{}, err
		}
		page.OldUntil = codes.Until
	}
	view := json.NewDecoder(bytes.NewReader(e.Prompt.View))
	view.UseNumber() // a page shows a number as it is written
	if view.Decode(&page.View) != nil {
		return enrolFlow{}, templates.Enrol{}, fmt.Errorf("showing the enrolment of %s: its view is not JSON", e.Kind) // the cause may quote a secret
	}
	return flow, page, nil
}

// getEnrolment returns the handler of the page of a kind.
func (s *Pages) getEnrolment(path string) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, page, err := s.enrolPage(r, s.Base(r), path)
		return s.renderMade(w, page, err)
	}
}

// postEnrolment returns the handler that accepts the answer of a page, for a kind with this input.
func (s *Pages) postEnrolment(input factors.Input, path string) site.Handler {
	switch input {
	case factors.InputAssertion:
		return s.postEnrolAssertion(path)
	case factors.InputBackup:
		return s.postEnrolBackup(path)
	}
	return s.postEnrolCode(path)
}

func (s *Pages) postEnrolCode(path string) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := site.ReadForm(r, "name", "code")
		if err != nil {
			return err
		}
		flow, page, err := s.enrolPage(r, s.BaseAt(r, site.WithNext(path, site.Next(r))), path)
		if err != nil {
			return err
		}
		page.DeviceName = f["name"]
		withProblem := func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		}
		name, err := account.DeviceName(f["name"], false)
		if err != nil {
			return s.RenderProblem(w, err, withProblem)
		}
		done, err := s.Enrolment.FinishEnrol(r.Context(), site.RequestInfo(r), flow.Flow, name, []byte(f["code"]))
		if errcode.Of(err) == errcode.Expired {
			return wrongStep(r, "/enrol?again=ceremony_gone")
		}
		if err != nil {
			return s.RenderProblem(w, err, withProblem)
		}
		if !done.Accepted() {
			p, _, _ := s.Rejected(done.Verification, factors.InputCode)
			return s.Render(w, http.StatusUnprocessableEntity, withProblem(p))
		}
		next, err := s.enrolled(w, r, flow, done)
		if err != nil {
			return err
		}
		return site.Redirect(w, next)
	}
}

func (s *Pages) postEnrolAssertion(path string) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := site.ReadKeyAnswer(r)
		if err != nil {
			return err
		}
		flow, _, err := s.pending(r, path)
		if err != nil {
			return err
		}
		name, err := account.DeviceName(a.Name, false)
		if err != nil {
			return err
		}
		done, err := s.Enrolment.FinishEnrol(r.Context(), site.RequestInfo(r), flow.Flow, name, a.Answer)
		if errcode.Of(err) == errcode.Expired {
			return wrongStep(r, "/enrol?again=ceremony_gone")
		}
		if err != nil {
			return err
		}
		if !done.Accepted() {
			return s.WriteNotEnrolled(w, r, done.Verification)
		}
		to, err := s.enrolled(w, r, flow, done)
		if err != nil {
			return err
		}
		return site.WriteNext(w, to)
	}
}

// postEnrolBackup finishes the enrolment of recovery codes when the user confirms that they are saved.
func (s *Pages) postEnrolBackup(path string) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := site.ReadForm(r, "kept", "list")
		if err != nil {
			return err
		}
		flow, page, err := s.enrolPage(r, s.BaseAt(r, site.WithNext(path, site.Next(r))), path)
		if err != nil {
			return err
		}
		if f["kept"] != "yes" {
			page.Problem = templates.NewFieldProblem("kept", templates.ProblemNotKept)
			return s.Render(w, http.StatusUnprocessableEntity, page)
		}
		switch err := s.Enrolment.FinishRecoveryCodes(r.Context(), site.RequestInfo(r), flow.Flow, factors.DeviceID(f["list"])); errcode.Of(err) {
		case errcode.NotFound:
			return wrongStep(r, "/account?again=codes_replaced")
		case errcode.Expired:
			return wrongStep(r, "/account?done=codes_hidden")
		default:
			if err != nil {
				return err
			}
		}
		return site.Redirect(w, flow.last(r, "/account?done=codes_kept"))
	}
}

// enrolled sets the cookies after an enrolment and returns the next page. A first device leads to the advice to add a
// second, and another device to recovery codes if the user has none.
func (s *Pages) enrolled(w http.ResponseWriter, r *http.Request, flow enrolFlow, done enrol.Result) (string, error) {
	if flow.first {
		if done.Completed.Step != authn.StepDone {
			return site.WithNext(site.StepPath(done.Completed.Step), site.Next(r)), s.Complete(w, r, done.Completed)
		}
		return site.WithNext("/enrol/second", site.Next(r)), s.Complete(w, r, done.Completed)
	}
	if err := s.SetCookies(w, r, done.Credentials); err != nil {
		return "", err
	}
	return s.offerRecoveryCodes(w, r, flow.last(r, "/account?done=device_added"))
}

// offerRecoveryCodes begins the enrolment of recovery codes if the user has none, else it returns otherwise.
func (s *Pages) offerRecoveryCodes(w http.ResponseWriter, r *http.Request, otherwise string) (string, error) {
	v := site.VisitorOf(r)
	codes, err := s.recoveryCodes(r.Context(), v.Info.User)
	if err != nil || len(codes.Lists) > 0 {
		return otherwise, err
	}
	path, err := s.begin(w, r, enrolFlow{Flow: enrol.Flow{Session: v.Session}}, enrol.Request{Kind: s.backupKind()})
	if errcode.Of(err) == errcode.StepUpRequired {
		return otherwise, nil // the step-up has expired; the account page offers the codes
	}
	return site.WithNext(path, site.Next(r)), err
}

// recoveryCodes describes the recovery codes of a user.
func (s *Pages) recoveryCodes(ctx context.Context, id account.UserID) (out templates.RecoveryCodes, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		u, err := r.User(id)
		out = templates.RecoveryCodes{Until: s.Accounts.RecoveryUntil(&u)}
		for _, d := range s.Accounts.RecoveryLists(&u) {
			out.Lists = append(out.Lists, templates.RecoveryList{Shown: d.Added, Left: s.Accounts.Status(d).Remaining})
		}
		return err
	})
	return out, err
}

func (s *Pages) getSecondDevice(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	if len(a.MaybeLost) > 0 {
		return wrongStep(r, "/account?done=device_added") // it asks which one is lost
	}
	name := ""
	for _, d := range a.Devices {
		if s.Accounts.Method(d.Kind).Primary {
			name = d.Name
		}
	}
	return s.Render(w, http.StatusOK, templates.AddSecondDevice{Base: s.Base(r), DeviceName: name})
}

func (s *Pages) postLater(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	path, err := s.offerRecoveryCodes(w, r, enrolFlow{lost: len(a.MaybeLost) > 0}.last(r, "/account"))
	if err != nil {
		return err
	}
	return site.Redirect(w, path)
}
