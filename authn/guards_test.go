package authn_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/oath"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// issueTicket gives a user a ticket without a reset.
func (env *testEnv) issueTicket(id account.UserID) (link, code secret.Value) {
	env.t.Helper()
	_, err := account.Update(env.t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		if link, code, _, err = env.Authn.IssueTicket(tx, &u, account.ProvenanceEmail, account.TicketTTL); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	must(env.t, err, "issuing a ticket")
	return link, code
}

// The answer belongs to the enrolment that the page shows, not to one that another tab began meanwhile.
func TestFinishEnrol_RejectsAnswerToReplacedEnrolment(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	flow := enrol.Flow{Session: session}
	first := env.BeginPhone(flow, "Premier")
	env.between(func() { env.BeginPhone(flow, "Second") })
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", first.Code())
	if err != nil || done.Rejected != factors.ReasonWrong {
		t.Errorf("got %q, %v, want %q", done.Rejected, err, factors.ReasonWrong)
	}
	if got := env.User(string(u.ID)).Devices; len(got) != 1 {
		t.Errorf("got %d devices, want the first phone only", len(got))
	}
}

func TestFinishEnrol_WrongAnswerKeepsNewerChallenge(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	flow := enrol.Flow{Session: session}
	begin := func(name string) {
		_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, flow, enrol.Request{Kind: webauthn.Kind, Name: name})
		must(t, err, "beginning to enrol a key")
	}
	begin("Premier")
	env.between(func() { begin("Second") })
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", []byte("{}"))
	if err != nil || done.Accepted() {
		t.Fatalf("got %+v, %v", done, err)
	}
	if pending, err := env.Enrolment.Pending(t.Context(), flow); err != nil || pending.Name != "Second" {
		t.Errorf("got %q, %v, want the enrolment that began meanwhile", pending.Name, err)
	}
}

func TestRedeemTicket_RejectsLoginByInvitation(t *testing.T) {
	env := newTestEnv(t)
	u := env.CreateUser(amelie, nil)
	started, err := env.Authn.AcceptInvitation(t.Context(), env.From, env.Invite(u.ID), authntest.Password)
	must(t, err, "accepting")
	link, code := env.issueTicket(u.ID)
	_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, started.Secret, code.Reveal())
	wantCode(t, err, errcode.WrongState, "the code of a ticket")
	_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, started.Secret, link)
	wantCode(t, err, errcode.WrongState, "the link of a ticket")
}

func TestInvitation_EndsWhenWithdrawnOrUsed(t *testing.T) {
	env := newTestEnv(t)
	u := env.CreateUser(amelie, nil)
	token := env.Invite(u.ID)
	started, err := env.Authn.AcceptInvitation(t.Context(), env.From, token, authntest.Password)
	must(t, err, "accepting")
	_, err = env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: started.Secret}, enrol.Request{Kind: totp.Kind, Name: "Autre", Replace: "d1"})
	wantCode(t, err, errcode.Forbidden, "replacing a secret in a sign-in")
	env.Change(u.ID, func(u *account.User) { u.EverHadDevice = true })
	_, err = env.Authn.Invitation(t.Context(), token)
	wantCode(t, err, errcode.InvalidLink, "an invitation of a user who had a device")
	env.Change(u.ID, func(u *account.User) { u.EverHadDevice, u.Invited.Link = false, "" })
	if got := env.step(started.Secret); got == authn.StepEnrol {
		t.Error("an invitation that was withdrawn enrols a device")
	}
}

func TestVerifyAPISignIn_AcceptsChosenDeviceOnly(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	other, _ := env.Enrol(enrol.Flow{Session: session}, "Second")
	req := env.From
	req.APIToken = "token:a"
	signIn, err := env.Authn.StartAPISignIn(t.Context(), req, amelie, authntest.Password, visibleToAll)
	must(t, err, "starting")
	if _, v, err := env.Authn.VerifyAPISignIn(t.Context(), req, signIn.State, p.Device, other.Next()); err != nil || v.Accepted() {
		t.Errorf("the code of another device: %+v, %v", v, err)
	}
	if _, v, err := env.Authn.VerifyAPISignIn(t.Context(), req, signIn.State, p.Device, p.Code()); err != nil || !v.Accepted() {
		t.Errorf("the code of the chosen device: %+v, %v", v, err)
	}
}

func TestPasswordLink_EndsWithDeviceOrStatus(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	devices := env.User(string(u.ID)).Devices
	token := env.mailedPasswordLink()
	for name, change := range map[string]func(*account.User){
		"no device":                          func(u *account.User) { u.Devices = nil },
		"a device that an administrator saw": func(u *account.User) { u.Devices[0].SecretSeenBy = "uboss" },
		"a suspended user":                   func(u *account.User) { u.Status = account.StatusSuspended },
	} {
		env.Change(u.ID, func(u *account.User) {
			u.Devices, u.Status = append([]factors.Device{}, devices...), account.StatusActive
			change(u)
		})
		_, _, err := env.Authn.PasswordLink(t.Context(), token)
		wantCode(t, err, errcode.InvalidLink, "opening a link: "+name)
		_, err = env.Authn.StartWithPasswordLink(t.Context(), env.From, token, another)
		wantCode(t, err, errcode.InvalidLink, "using a link: "+name)
	}
}

func TestChangePassword_EndsTicketsAndWhatIsPending(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.issueTicket(u.ID)
	if v, err := env.showQR(session, p, "", "Tablette"); err != nil || !v.Accepted() {
		t.Fatalf("showing: %v, %+v", err, v)
	}
	env.stepUp(session, p)
	env.BeginPhone(enrol.Flow{Session: session}, "Second")
	changed, err := env.Authn.ChangePassword(t.Context(), env.From, session, authntest.Password, another)
	must(t, err, "changing the password")
	if got := env.User(string(u.ID)).Tickets; len(got) != 0 {
		t.Errorf("got %d tickets, want none", len(got))
	}
	_, err = env.Enrolment.Pending(t.Context(), enrol.Flow{Session: changed.Session})
	wantCode(t, err, errcode.Expired, "the enrolment from before")
	_, err = env.Enrolment.PendingCopy(t.Context(), changed.Session)
	wantCode(t, err, errcode.Expired, "the QR code from before")
}

func TestReplacedSecret_EndsSignInsFromBefore(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	before := env.password(env.From, amelie).Secret
	flow := enrol.Flow{Session: session}
	prompt, err := env.Enrolment.BeginEnrol(t.Context(), env.From, flow, enrol.Request{Kind: totp.Kind, Replace: p.Device})
	must(t, err, "beginning")
	var view oath.View
	must(t, json.Unmarshal(prompt.View, &view), "reading the secret")
	fresh := &authntest.Phone{Env: env.Env, Secret: view.Secret}
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", fresh.Code())
	if err != nil || !done.Accepted() {
		t.Fatalf("replacing: %v, %q", err, done.Rejected)
	}
	if got := env.step(before); got != authn.StepExpired {
		t.Errorf("got step %q, want %q", got, authn.StepExpired)
	}
}

func TestRemoveCopy_EndsSignInsFromBefore(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	env.Enrol(enrol.Flow{Session: session}, "Second")
	lost := env.confirmedCopy(session, p, "Tablette")
	env.stepUp(session, p)
	before := env.password(env.From, amelie).Secret
	replace, _, err := env.Enrolment.RemoveCopy(t.Context(), env.From, session, p.Device, lost)
	if err != nil || replace {
		t.Fatalf("removing: %v, replace %v", err, replace)
	}
	if got := env.step(before); got != authn.StepExpired {
		t.Errorf("got step %q, want %q", got, authn.StepExpired)
	}
}

func TestStepUp_OfTheFutureDoesNotCount(t *testing.T) {
	now := authntest.Start
	for at, want := range map[time.Duration]bool{0: true, 30 * time.Second: true, 2 * time.Minute: false, -account.StepUpTTL: false} {
		if got := (account.StepUp{At: now.Add(at)}).Fresh(now); got != want {
			t.Errorf("%v from now: got %v, want %v", at, got, want)
		}
	}
}

func TestReset_EndsTicketOfReset(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	_, first := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, env.password(env.From, amelie).Secret, first.Reveal())
	wantCode(t, err, errcode.InvalidTicket, "the ticket of the first reset")
}

func TestRedeemReturnCode_RejectsForwardSession(t *testing.T) {
	env := newTestEnv(t)
	_, _, session := env.Member(amelie, nil)
	forward := env.forwardSession(session, wiki)
	_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, forward, wiki, secret.From("a nonce of the browser"))
	wantCode(t, err, errcode.InvalidLink, "the secret of a forward-auth session as a return code")
	if !env.forwardValid(forward, wiki) {
		t.Error("the attempt ended the forward-auth session")
	}
}
