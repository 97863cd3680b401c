package web

import (
	"bytes"
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
)

// seated is where a visitor enrols a device, and their devices.
type seated struct {
	enrol.Flow
	first   bool // within a login: the device completes it
	devices []factors.Device
	login   string
}

// seat returns where the visitor may enrol. A sign-in with a ticket or an invitation takes precedence over a session.
func (s *server) seat(r *http.Request) (seated, error) {
	v := visitOf(r)
	if !v.login.IsZero() {
		st, err := s.loginAt(r, v.login, authn.StepEnrol)
		if err == nil {
			return seated{Flow: enrol.Flow{Transaction: v.login}, first: true, devices: st.AllDevices, login: st.Login}, nil
		}
		if !v.SignedIn() {
			return seated{}, err
		}
	}
	a, err := s.account(r)
	if err != nil {
		return seated{}, err
	}
	return seated{Flow: enrol.Flow{Session: v.session}, devices: a.Devices, login: a.Login}, nil
}

func (s *server) getEnrol(w http.ResponseWriter, r *http.Request) error {
	seat, err := s.seat(r)
	if err == nil {
		err = s.Enrolment.CheckAllowed(r.Context(), seat.Flow)
	}
	if err != nil {
		return err
	}
	b := s.base(r)
	if r.URL.Query().Get("done") == "recovery_used" && visitOf(r).SignedIn() {
		_, left, err := s.codesLeft(r.Context(), visitOf(r).live.User)
		if err != nil {
			return err
		}
		b.Notice = &templates.Message{Key: templates.NoticeRecoveryUsed, N: left}
	}
	return s.render(w, http.StatusOK, s.choose(b, seat))
}

func (s *server) choose(b templates.Base, seat seated) templates.ChooseDevice {
	choices, full := s.choices(seat.devices)
	return templates.ChooseDevice{Base: b, First: seat.first, Choices: choices, Full: full}
}

func (s *server) postEnrolBegin(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "kind", "app")
	if err != nil {
		return err
	}
	seat, err := s.seat(r)
	if err != nil {
		return err
	}
	kind, app, ok := s.chosen(f["kind"], f["app"])
	if !ok {
		return errcode.InvalidField("kind", "unknown")
	}
	path, err := s.begin(w, r, seat, enrol.Request{Kind: kind, App: app})
	if errcode.Of(err) == errcode.TooMany {
		return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
			return s.choose(s.baseWithProblem(r, "/enrol", p), seat)
		})
	}
	if err != nil {
		return err
	}
	return redirect(w, path)
}

// begin opens an enrolment and returns its page.
func (s *server) begin(w http.ResponseWriter, r *http.Request, seat seated, want enrol.Request) (string, error) {
	if _, err := s.Enrolment.BeginEnrol(r.Context(), origin(r), seat.Flow, want); err != nil {
		return "", err
	}
	if seat.first {
		if err := s.beginLogin(w, r, seat.Transaction); err != nil { // authn gave it ten more minutes
			return "", err
		}
	}
	if want.Replace != "" {
		return devicePath(want.Replace, "replace"), nil
	}
	return s.enrolPath(want.Kind), nil
}

// pending returns the pending enrolment of the page at a path. If there is none, or it has another page, the error
// leads there.
func (s *server) pending(r *http.Request, path string) (seated, account.PendingEnrolment, error) {
	seat, err := s.seat(r)
	if err != nil {
		return seated{}, account.PendingEnrolment{}, err
	}
	e, err := s.Enrolment.Pending(r.Context(), seat.Flow)
	switch code := errcode.Of(err); {
	case code == errcode.Expired, code == errcode.StepUpRequired:
		return seated{}, account.PendingEnrolment{}, &wrongStep{"/enrol?again=ceremony_gone"}
	case err != nil:
		return seated{}, account.PendingEnrolment{}, err
	case e.Replace != "":
		return seated{}, account.PendingEnrolment{}, &wrongStep{devicePath(e.Replace, "replace")}
	case s.enrolPath(e.Kind) != path:
		return seated{}, account.PendingEnrolment{}, &wrongStep{s.enrolPath(e.Kind)}
	}
	return seat, e, nil
}

// enrolPage shows the pending enrolment at a path, on the page of its kind.
func (s *server) enrolPage(r *http.Request, b templates.Base, path string) (seated, templates.Enrol, error) {
	seat, e, err := s.pending(r, path)
	if err != nil {
		return seated{}, templates.Enrol{}, err
	}
	page := templates.Enrol{Base: b, Slug: s.Accounts.Method(e.Kind).Slug, Options: e.Prompt.JSON, App: appOf(e.App), DeviceName: e.Name,
		Login: seat.login, First: seat.first}
	view := json.NewDecoder(bytes.NewReader(e.Prompt.View))
	view.UseNumber() // a page shows a number as it is written
	if view.Decode(&page.View) != nil {
		return seated{}, templates.Enrol{}, fmt.Errorf("showing the enrolment of %s: its view is not JSON", e.Kind) // the cause may quote a secret
	}
	return seat, page, nil
}

// getEnrolment shows the page of one kind.
func (s *server) getEnrolment(path string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, page, err := s.enrolPage(r, s.base(r), path)
		return s.showMade(w, page, err)
	}
}

// postEnrolment returns the handler that takes the answer to the page of a kind with this input.
func (s *server) postEnrolment(input factors.Input, path string) handler {
	switch input {
	case factors.InputAssertion:
		return s.postEnrolAssertion(path)
	case factors.InputBackup:
		return s.postEnrolBackup(path)
	}
	return s.postEnrolCode(path)
}

func (s *server) postEnrolCode(path string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := readForm(r, "name", "code")
		if err != nil {
			return err
		}
		seat, page, err := s.enrolPage(r, s.baseAt(r, path), path)
		if err != nil {
			return err
		}
		page.DeviceName = f["name"]
		told := func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		}
		name, err := account.DeviceName(f["name"], false)
		if err != nil {
			return s.renderProblem(w, err, told)
		}
		done, err := s.Enrolment.FinishEnrol(r.Context(), origin(r), seat.Flow, name, []byte(f["code"]))
		if errcode.Of(err) == errcode.Expired {
			return &wrongStep{"/enrol?again=ceremony_gone"}
		}
		if err != nil {
			return s.renderProblem(w, err, told)
		}
		if !done.Accepted() {
			p, _, _ := s.rejected(done.Verification, factors.InputCode)
			return s.render(w, http.StatusUnprocessableEntity, told(p))
		}
		next, err := s.enrolled(w, r, seat, done)
		if err != nil {
			return err
		}
		return redirect(w, next)
	}
}

func (s *server) postEnrolAssertion(path string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := readKeyAnswer(r)
		if err != nil {
			return err
		}
		seat, _, err := s.pending(r, path)
		if err != nil {
			return err
		}
		name, err := account.DeviceName(a.Name, false)
		if err != nil {
			return err
		}
		done, err := s.Enrolment.FinishEnrol(r.Context(), origin(r), seat.Flow, name, a.Answer)
		if errcode.Of(err) == errcode.Expired {
			return &wrongStep{"/enrol?again=ceremony_gone"}
		}
		if err != nil {
			return err
		}
		if !done.Accepted() {
			p, _, _ := s.rejected(done.Verification, factors.InputAssertion)
			return s.writeScriptError(w, r, http.StatusUnprocessableEntity, 0, p.Message, true) // its challenge is used up
		}
		to, err := s.enrolled(w, r, seat, done)
		if err != nil {
			return err
		}
		return writeNext(w, to)
	}
}

// postEnrolBackup ends the enrolment of saved codes once the user confirms that they are kept.
func (s *server) postEnrolBackup(path string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := readForm(r, "kept")
		if err != nil {
			return err
		}
		seat, page, err := s.enrolPage(r, s.baseAt(r, path), path)
		if err != nil {
			return err
		}
		if f["kept"] != "yes" {
			page.Problem = templates.NewFieldProblem("kept", templates.ProblemNotKept)
			return s.render(w, http.StatusUnprocessableEntity, page)
		}
		if _, err := s.Enrolment.FinishEnrol(r.Context(), origin(r), seat.Flow, "", nil); err != nil {
			return err
		}
		return redirect(w, "/account?done=codes_kept")
	}
}

// enrolled returns the page after a confirmed device: the advice to add a second after the first, then recovery codes
// if the user has none.
func (s *server) enrolled(w http.ResponseWriter, r *http.Request, seat seated, done enrol.Result) (string, error) {
	if seat.first {
		return home(authn.Result{Completed: done.Completed, First: true}), s.completed(w, r, done.Completed)
	}
	if err := s.setCookies(w, r, done.Credentials); err != nil {
		return "", err
	}
	return s.offerRecoveryCodes(w, r, "/account?done=device_added")
}

// offerRecoveryCodes begins the enrolment of recovery codes if the user has none, else it returns otherwise.
func (s *server) offerRecoveryCodes(w http.ResponseWriter, r *http.Request, otherwise string) (string, error) {
	v := visitOf(r)
	made, _, err := s.codesLeft(r.Context(), v.live.User)
	if err != nil || made {
		return otherwise, err
	}
	path, err := s.begin(w, r, seated{Flow: enrol.Flow{Session: v.session}}, enrol.Request{Kind: s.backupKind()})
	if errcode.Of(err) == errcode.StepUpRequired {
		return otherwise, nil // the step-up has expired; the account page offers the codes
	}
	return path, err
}

// codesLeft reports whether a user has recovery codes, and how many are left.
func (s *server) codesLeft(ctx context.Context, id account.UserID) (made bool, left int, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		made, left = false, 0
		u, err := r.User(id)
		for _, d := range u.Devices {
			if s.Accounts.Method(d.Kind).Input == factors.InputBackup {
				made, left = true, left+s.Accounts.Status(d).Remaining
			}
		}
		return err
	})
	return made, left, err
}

func (s *server) getSecond(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	name := ""
	for _, d := range a.Devices {
		if s.Accounts.Method(d.Kind).Primary {
			name = d.Name
		}
	}
	return s.render(w, http.StatusOK, templates.AddSecondDevice{Base: s.base(r), DeviceName: name})
}

func (s *server) postLater(w http.ResponseWriter, r *http.Request) error {
	if !visitOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	path, err := s.offerRecoveryCodes(w, r, "/account")
	if err != nil {
		return err
	}
	return redirect(w, path)
}
