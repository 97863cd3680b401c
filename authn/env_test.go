package authn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/recovery"
	"barillet/factors/webauthn"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

const amelie = "amelie@garage.example"

// testEnv is an authntest.Env with the helpers of this package.
type testEnv struct {
	*authntest.Env
	t testing.TB
}

func newTestEnv(t testing.TB) *testEnv {
	t.Helper()
	return &testEnv{authntest.New(t), t}
}

// wantCode fails unless the error has this code.
func wantCode(t testing.TB, err error, want errcode.Code, doing string) {
	t.Helper()
	if got := errcode.Of(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", doing, got, err, want)
	}
}

// must fails on an error.
func must(t testing.TB, err error, doing string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// reset resets a user as an administrator does. provenance is account.ProvenanceEmail or the ID of an administrator.
func (env *testEnv) reset(id account.UserID, provenance string, life time.Duration) (link, code secret.Value) {
	env.t.Helper()
	type ticket struct{ link, code secret.Value }
	out, err := account.Update(env.t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (ticket, error) {
		u, err := tx.User(id)
		if err != nil {
			return ticket{}, err
		}
		if _, err := tx.ResetDevices(&u); err != nil {
			return ticket{}, err
		}
		link, code, _, err := env.Authn.IssueTicket(tx, &u, provenance, life)
		if err != nil {
			return ticket{}, err
		}
		return ticket{link, code}, tx.Save(&u)
	})
	must(env.t, err, "resetting")
	return out.link, out.code
}

// password starts a transaction with the password of a user.
func (env *testEnv) password(req account.RequestInfo, login string) authn.TransactionRef {
	env.t.Helper()
	started, err := env.Authn.StartWithPassword(env.t.Context(), req, login, authntest.Password)
	must(env.t, err, "verifying the password of "+login)
	return started
}

// step returns the step of a transaction, or StepExpired if there is none.
func (env *testEnv) step(transaction secret.Value) authn.Step {
	env.t.Helper()
	state, err := env.Authn.Transaction(env.t.Context(), transaction)
	if errcode.Of(err) == errcode.Expired {
		return authn.StepExpired
	}
	must(env.t, err, "reading a transaction")
	return state.Step
}

func (env *testEnv) verify(transaction secret.Value, code []byte) authn.Result {
	env.t.Helper()
	v, err := env.Authn.Verify(env.t.Context(), env.From, transaction, factors.InputCode, code)
	must(env.t, err, "verifying a code")
	return v
}

// stepUp makes a step-up with a phone.
func (env *testEnv) stepUp(session secret.Value, p *authntest.Phone) {
	env.t.Helper()
	v, err := env.Authn.StepUp(env.t.Context(), env.From, session, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() {
		env.t.Fatalf("verifying a phone: %v, %+v", err, v)
	}
}

func (env *testEnv) sessionValid(session secret.Value) bool {
	env.t.Helper()
	_, err := env.Sessions.Authenticate(env.t.Context(), session)
	if err != nil && errcode.Of(err) != errcode.NoSession {
		env.t.Fatalf("checking a session: %v", err)
	}
	return err == nil
}

// fromAddress is a request from another address, without a cookie.
func (env *testEnv) fromAddress(address string) account.RequestInfo {
	req := env.From
	req.Address = netip.MustParseAddr(address)
	return req
}

// allRecords returns every record of the store.
func (env *testEnv) allRecords() map[string]string {
	env.t.Helper()
	out := map[string]string{}
	must(env.t, env.Store.View(env.t.Context(), func(s store.Snapshot) error {
		return s.Scan("", "", 0, func(key string, value []byte) error {
			out[key] = string(value)
			return nil
		})
	}), "scanning the store")
	return out
}

// wantUnchanged fails if it changes a record in the store.
func (env *testEnv) wantUnchanged(doing string, it func()) {
	env.t.Helper()
	before := env.allRecords()
	it()
	if !maps.Equal(before, env.allRecords()) {
		env.t.Errorf("%s changed the store", doing)
	}
}

// counters returns the failure counters of a user.
func (env *testEnv) counters(id account.UserID) throttle.Failures {
	env.t.Helper()
	var f throttle.Failures
	must(env.t, env.Store.View(env.t.Context(), func(s store.Snapshot) (err error) {
		f, err = env.Accounts.Failures.Get(s, env.Accounts.Failures.UserID(string(id)))
		return err
	}), "reading counters")
	return f
}

// mailed returns the queued notifications of one type.
func mailed[M notice.Notice](env *testEnv) []M {
	env.t.Helper()
	var out []M
	for _, m := range env.Mails() {
		if what, ok := m.What.(M); ok {
			out = append(out, what)
		}
	}
	return out
}

// tokenOf returns the last part of a link.
func tokenOf(link string) secret.Value {
	return secret.From(link[strings.LastIndexByte(link, '/')+1:])
}

// wrongCode returns six digits that are not a code of the phone within ten minutes.
func wrongCode(p *authntest.Phone) []byte {
	p.Env.T.Helper()
	var near []string
	for step := -22; step <= 22; step++ {
		near = append(near, string(p.CodeAt(p.Env.Clock.Now().Add(time.Duration(step)*30*time.Second))))
	}
	for n := 1; ; n++ {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(near, code) {
			return []byte(code)
		}
	}
}

// securityKey is a security key in software.
type securityKey struct {
	env  *testEnv
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
	id   factors.DeviceID
}

// newKeyEnv returns an Env with a user who has a phone, an active session, and a security key.
func newKeyEnv(t *testing.T) (env *testEnv, u account.User, p *authntest.Phone, session secret.Value, k *securityKey) {
	t.Helper()
	env = newTestEnv(t)
	u, p, session = env.Member(amelie, nil)
	env.stepUp(session, p)
	return env, u, p, session, env.enrolKey(enrol.Flow{Session: session}, u)
}

// enrolKey enrols a security key in a flow.
func (env *testEnv) enrolKey(flow enrol.Flow, owner account.User) *securityKey {
	env.t.Helper()
	prompt, err := env.Enrolment.BeginEnrol(env.t.Context(), env.From, flow, enrol.Request{Kind: webauthn.Kind, Name: "Clé"})
	must(env.t, err, "beginning to enrol a key")
	options, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, prompt.JSON))
	must(env.t, err, "reading creation options")
	k := &securityKey{env: env, rp: virtualwebauthn.RelyingParty{ID: "login.example", Name: "Garage Lumière", Origin: "https://login.example"},
		auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: owner.Handle}),
		cred: factortest.NewKey(env.t)}
	k.cred.Counter = 5
	done, err := env.Enrolment.FinishEnrol(env.t.Context(), env.From, flow, "", []byte(virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *options)))
	if err != nil || !done.Accepted() {
		env.t.Fatalf("enrolling a key: %v, rejected %q", err, done.Rejected)
	}
	k.id = done.Device.ID
	return k
}

// answer signs the challenge of a prompt with this counter.
func (k *securityKey) answer(p account.Prompt, counter uint32) []byte {
	k.env.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, p.JSON))
	must(k.env.t, err, "reading request options")
	k.cred.Counter = counter
	return []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *options))
}

// verifyKey verifies the second step of a transaction with the key.
func (env *testEnv) verifyKey(transaction secret.Value, k *securityKey, counter uint32) authn.Result {
	env.t.Helper()
	prompt, err := env.Authn.BeginVerify(env.t.Context(), env.From, transaction, factors.InputAssertion)
	must(env.t, err, "asking for a key")
	v, err := env.Authn.Verify(env.t.Context(), env.From, transaction, factors.InputAssertion, k.answer(prompt, counter))
	must(env.t, err, "verifying a key")
	return v
}

// recoveryCodes makes recovery codes in a session with a step-up, and finishes.
func (env *testEnv) recoveryCodes(session secret.Value) []string {
	env.t.Helper()
	codes, list := env.showRecoveryCodes(session)
	must(env.t, env.Enrolment.FinishRecoveryCodes(env.t.Context(), env.From, enrol.Flow{Session: session}, list), "saving recovery codes")
	return codes
}

// showRecoveryCodes makes recovery codes in a session with a step-up, and leaves the page.
func (env *testEnv) showRecoveryCodes(session secret.Value) (codes []string, list factors.DeviceID) {
	env.t.Helper()
	flow := enrol.Flow{Session: session}
	prompt, err := env.Enrolment.BeginEnrol(env.t.Context(), env.From, flow, enrol.Request{Kind: recovery.Kind, Name: "Feuille"})
	must(env.t, err, "making recovery codes")
	var view recovery.View
	must(env.t, json.Unmarshal(prompt.View, &view), "reading recovery codes")
	shown, err := env.Enrolment.Pending(env.t.Context(), flow)
	must(env.t, err, "reading the page of recovery codes")
	return view.Codes, shown.Shown
}

// retry returns RetryAfter of an error.
func retry(err error) time.Duration {
	if e, ok := errors.AsType[*errcode.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
