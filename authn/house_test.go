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

// house is a house with what the tests of this package ask of one.
type house struct {
	*authntest.Env
	t testing.TB
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return &house{authntest.New(t), t}
}

// refused fails unless the error is a refusal with this code.
func refused(t testing.TB, err error, want errcode.Code, doing string) {
	t.Helper()
	if got := errcode.Of(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", doing, got, err, want)
	}
}

// do fails on an error.
func do(t testing.TB, err error, doing string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// reset does what an operator's reset does to the record; way is authn.ProvenanceEmail or an operator's id.
func (h *house) reset(id account.UserID, way string, life time.Duration) (link, code secret.Value) {
	h.t.Helper()
	type ticket struct{ link, code secret.Value }
	out, err := account.Update(h.t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (ticket, error) {
		u, err := tx.User(id)
		if err != nil {
			return ticket{}, err
		}
		if _, err := tx.ResetDevices(&u); err != nil {
			return ticket{}, err
		}
		link, code, _, err := h.Authn.IssueTicket(tx, &u, way, life)
		if err != nil {
			return ticket{}, err
		}
		return ticket{link, code}, tx.Save(&u)
	})
	do(h.t, err, "resetting")
	return out.link, out.code
}

// password proves a password from somewhere.
func (h *house) password(req account.RequestInfo, login string) authn.TransactionRef {
	h.t.Helper()
	started, err := h.Authn.StartWithPassword(h.t.Context(), req, login, authntest.Password, "")
	do(h.t, err, "proving the password of "+login)
	return started
}

// step is where a login stands; StepExpired when it is gone.
func (h *house) step(login secret.Value) authn.Step {
	h.t.Helper()
	state, err := h.Authn.Transaction(h.t.Context(), login)
	if errcode.Of(err) == errcode.Expired {
		return authn.StepExpired
	}
	do(h.t, err, "reading a login")
	return state.Step
}

func (h *house) verify(login secret.Value, code []byte) authn.Result {
	h.t.Helper()
	v, err := h.Authn.Verify(h.t.Context(), h.From, login, factors.InputCode, code)
	do(h.t, err, "verifying a code")
	return v
}

// prove gives a fresh proof by a phone.
func (h *house) prove(session secret.Value, p *authntest.Phone) {
	h.t.Helper()
	j, err := h.Authn.StepUp(h.t.Context(), h.From, session, factors.InputCode, p.Next())
	if err != nil || !j.Accepted() {
		h.t.Fatalf("proving a phone: %v, %+v", err, j)
	}
}

func (h *house) alive(session secret.Value) bool {
	h.t.Helper()
	_, err := h.Sessions.Authenticate(h.t.Context(), session)
	if err != nil && errcode.Of(err) != errcode.NoSession {
		h.t.Fatalf("checking a session: %v", err)
	}
	return err == nil
}

// at is the house's browser at another address, without a cookie.
func (h *house) at(address string) account.RequestInfo {
	req := h.From
	req.Address = netip.MustParseAddr(address)
	return req
}

// scan is the whole store, byte by byte.
func (h *house) scan() map[string]string {
	h.t.Helper()
	out := map[string]string{}
	do(h.t, h.Store.View(h.t.Context(), func(s store.Snapshot) error {
		return s.Scan("", "", 0, func(key string, value []byte) error {
			out[key] = string(value)
			return nil
		})
	}), "scanning the store")
	return out
}

// unchanged fails if doing it changed anything in the store.
func (h *house) unchanged(doing string, it func()) {
	h.t.Helper()
	before := h.scan()
	it()
	if !maps.Equal(before, h.scan()) {
		h.t.Errorf("%s changed the store", doing)
	}
}

// counters are the wrong answers kept for a person.
func (h *house) counters(id account.UserID) throttle.Failures {
	h.t.Helper()
	var f throttle.Failures
	do(h.t, h.Store.View(h.t.Context(), func(s store.Snapshot) (err error) {
		f, err = h.Accounts.Failures.Get(s, h.Accounts.Failures.UserID(string(id)))
		return err
	}), "reading counters")
	return f
}

// mailed are the mails of a sort that wait.
func mailed[M notice.Notice](h *house) []M {
	h.t.Helper()
	var out []M
	for _, m := range h.Mails() {
		if what, ok := m.What.(M); ok {
			out = append(out, what)
		}
	}
	return out
}

// tokenOf is the last part of a link.
func tokenOf(link string) secret.Value {
	return secret.From(link[strings.LastIndexByte(link, '/')+1:])
}

// wrong is six digits that are no code of the phone within ten minutes either way.
func wrong(p *authntest.Phone) []byte {
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

// yubikey is a security key in software.
type yubikey struct {
	h    *house
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
	id   factors.DeviceID
}

// enrolKey enrols a security key in a seat to its end.
func (h *house) enrolKey(seat enrol.Flow, owner account.User) *yubikey {
	h.t.Helper()
	prompt, err := h.Enrolment.BeginEnrol(h.t.Context(), h.From, seat, enrol.Request{Kind: webauthn.Kind, Name: "Clé"})
	do(h.t, err, "beginning to enrol a key")
	options, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, prompt.JSON))
	do(h.t, err, "reading creation options")
	k := &yubikey{h: h, rp: virtualwebauthn.RelyingParty{ID: "login.example", Name: "Garage Lumière", Origin: "https://login.example"},
		auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: owner.Handle}),
		cred: factortest.NewKey(h.t)}
	k.cred.Counter = 5
	done, err := h.Enrolment.FinishEnrol(h.t.Context(), h.From, seat, "", []byte(virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *options)))
	if err != nil || !done.Accepted() {
		h.t.Fatalf("enrolling a key: %v, rejected %q", err, done.Rejected)
	}
	k.id = done.Device.ID
	return k
}

// answer signs the challenge of a prompt with a counter of that value.
func (k *yubikey) answer(p account.Prompt, counter uint32) []byte {
	k.h.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, p.JSON))
	do(k.h.t, err, "reading request options")
	k.cred.Counter = counter
	return []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *options))
}

// verifyKey takes a login's second step with the key.
func (h *house) verifyKey(login secret.Value, k *yubikey, counter uint32) authn.Result {
	h.t.Helper()
	prompt, err := h.Authn.BeginVerify(h.t.Context(), h.From, login, factors.InputAssertion)
	do(h.t, err, "asking for a key")
	v, err := h.Authn.Verify(h.t.Context(), h.From, login, factors.InputAssertion, k.answer(prompt, counter))
	do(h.t, err, "verifying a key")
	return v
}

// recoveryCodes makes a sheet of codes in a session with a fresh proof.
func (h *house) recoveryCodes(session secret.Value) []string {
	h.t.Helper()
	seat := enrol.Flow{Session: session}
	prompt, err := h.Enrolment.BeginEnrol(h.t.Context(), h.From, seat, enrol.Request{Kind: recovery.Kind, Name: "Feuille"})
	do(h.t, err, "making recovery codes")
	var view recovery.View
	do(h.t, json.Unmarshal(prompt.View, &view), "reading recovery codes")
	done, err := h.Enrolment.FinishEnrol(h.t.Context(), h.From, seat, "", []byte("kept"))
	if err != nil || !done.Accepted() {
		h.t.Fatalf("keeping recovery codes: %v, rejected %q", err, done.Rejected)
	}
	return view.Codes
}

// retry is how long a refusal asks to wait.
func retry(err error) time.Duration {
	if e, ok := errors.AsType[*errcode.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
