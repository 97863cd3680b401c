package webauthn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/webauthn"
)

func TestFinishVerify_RejectsEachBrokenStep(t *testing.T) {
	client := func(name string, v any) func(*answer) { return func(a *answer) { a.client[name] = v } }
	raw := func(f func([]byte) []byte) func(*answer) { return func(a *answer) { a.raw = f } }
	wrong, format := factors.ReasonWrong, factors.ReasonFormat
	tests := []struct {
		name  string
		spoil func(*answer)
		want  factors.Reason
	}{
		{"step 5: a key that was not asked for", func(a *answer) { a.id = []byte("another") }, wrong},
		{"step 6: another person's handle", func(a *answer) { a.inner = map[string]any{"userHandle": b64([]byte("handle-of-bob"))} }, wrong},
		{"step 8: client data that is not UTF-8", raw(func(b []byte) []byte { return append(b[:len(b)-1], []byte(",\"x\":\"\xff\"}")...) }), format},
		{"step 8: client data with a byte order mark", raw(func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }), format},
		{"step 8: client data over 64 KiB", client("pad", strings.Repeat("x", 64<<10)), format},
		{"step 9: a member twice", raw(func(b []byte) []byte { return append([]byte(`{"type":"webauthn.create",`), b[1:]...) }), format},
		{"step 10: the type of a registration", client("type", "webauthn.create"), wrong},
		{"step 11: another challenge", client("challenge", b64(make([]byte, 32))), wrong},
		{"step 12: another origin", client("origin", "http://login.example"), wrong},
		{"step 13: a framed page", client("crossOrigin", true), wrong},
		{"step 14: a top origin", client("topOrigin", origin), wrong},
		{"level 2: a token binding", client("tokenBinding", map[string]any{"status": "present", "id": "x"}), wrong},
		{"step 15: keys of another domain", func(a *answer) { a.rpID = "evil.example" }, wrong},
		{"step 16: nobody there", func(a *answer) { a.flags = 0 }, wrong},
		{"step 18: backed up but not eligible", func(a *answer) { a.flags |= bs }, wrong},
		{"step 19: eligible all of a sudden", func(a *answer) { a.flags |= be }, factors.ReasonBackup},
		{"step 19: eligible and backed up", func(a *answer) { a.flags |= be | bs }, factors.ReasonBackup},
		{"step 19: eligible, by a flag that is not signed", func(a *answer) {
			a.flags |= be
			a.sig = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
		}, wrong},
		{"section 6.1: attested credential data", func(a *answer) {
			a.flags |= at
			a.aaguid, a.key = make([]byte, 16), map[int64]any{1: 2}
		}, format},
		{"section 6.1: something after the authenticator data", func(a *answer) { a.tail = []byte{0} }, format},
		{"section 6.1: authenticator data cut short", func(a *answer) { a.inner = map[string]any{"authenticatorData": b64(make([]byte, 36))} }, format},
		{"step 20: client data other than what was signed", func(a *answer) {
			clean := a.clientData()
			a.inner = map[string]any{"clientDataJSON": b64(append([]byte{' '}, clean...))}
		}, wrong},
		{"step 21: a signature of something else", func(a *answer) { a.sig = func(b []byte) []byte { b[len(b)-1] ^= 1; return b } }, wrong},
		{"step 21: no signature", func(a *answer) { a.sig = func([]byte) []byte { return nil } }, wrong},
		{"step 21: something after the signature", func(a *answer) { a.sig = func(b []byte) []byte { return append(b, 0) } }, wrong},
		{"an id that is not the raw one", func(a *answer) { a.outer = map[string]any{"id": "QUJD"} }, format},
		{"another type of credential", func(a *answer) { a.outer = map[string]any{"type": "password"} }, format},
	}
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	have := []factors.Device{enrol(t, w, s, "d1", nil)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prompt, pending, err := w.BeginVerify(noon, who, have)
			if err != nil {
				t.Fatal(err)
			}
			a := s.assertion(t, prompt.JSON)
			tt.spoil(a)
			got, err := w.FinishVerify(noon, who, have, pending, a.asserted(s.signer))
			if err != nil || got.Rejected != tt.want || got.Device.ID != "" {
				t.Errorf("got %q with device %q, %v; want %q and no device", got.Rejected, got.Device.ID, err, tt.want)
			}
		})
	}
}

// verify answers one ceremony soundly but for what spoil does.
func verify(t *testing.T, w *webauthn.WebAuthn, s *soft, have []factors.Device, spoil func(*answer)) factors.Outcome {
	t.Helper()
	prompt, pending, err := w.BeginVerify(noon, who, have)
	if err != nil {
		t.Fatal(err)
	}
	a := s.assertion(t, prompt.JSON)
	if spoil != nil {
		spoil(a)
	}
	before := fmt.Sprintf("%+v", have)
	raw := a.asserted(s.signer)
	got, err := w.FinishVerify(noon, who, have, pending, raw)
	if err != nil {
		t.Fatal(err)
	}
	// The Outcome is pure: the caller ensures that an answer counts once, because it drops the Pending.
	if again, err := w.FinishVerify(noon, who, have, pending, raw); err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("the same answer again: got %+v, %v; want %+v", again, err, got)
	}
	if after := fmt.Sprintf("%+v", have); before != after {
		t.Errorf("devices were changed: got %s, want %s", after, before)
	}
	return got
}

func TestFinishVerify_MarksCloneByCounter(t *testing.T) {
	count := func(n uint32) func(*answer) { return func(a *answer) { a.count = n } }
	tests := []struct {
		name          string
		stored, shown uint32
		want          factors.Reason
	}{
		{"nought on both sides", 0, 0, factors.ReasonNone},
		{"counted further", 5, 6, factors.ReasonNone},
		{"begins to count", 0, 1, factors.ReasonNone},
		{"stands still", 5, 5, factors.ReasonClone},
		{"goes back", 5, 4, factors.ReasonClone},
		{"goes back to nought", 5, 0, factors.ReasonClone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
			d := enrol(t, w, s, "d1", count(tt.stored))
			got := verify(t, w, s, []factors.Device{d}, count(tt.shown))
			if got.Rejected != tt.want || got.Device.ID != "d1" {
				t.Fatalf("got %q with device %q, want %q with d1", got.Rejected, got.Device.ID, tt.want)
			}
			if marked := got.Device.Disabled == "clone"; marked != (tt.want == factors.ReasonClone) {
				t.Errorf("got mark %q after %q", got.Device.Disabled, tt.want)
			}
			if tt.shown > tt.stored { // the counter was stored: the same one does not pass again
				if again := verify(t, w, s, []factors.Device{got.Device}, count(tt.shown)); again.Rejected != factors.ReasonClone {
					t.Errorf("same counter again: got %q, want %q", again.Rejected, factors.ReasonClone)
				}
			}
		})
	}
}

func TestFinishVerify_ReadsUserVerificationOfThisAssertion(t *testing.T) {
	verified := func(a *answer) { a.flags |= uv }
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	have := []factors.Device{enrol(t, w, s, "d1", verified)}
	if got := verify(t, w, s, have, nil); !got.Accepted() || got.UserVerified || !slices.Equal(got.AMR, []string{"hwk"}) {
		t.Errorf("without verification: got %+v, want hwk alone", got)
	}
	if got := verify(t, w, s, have, verified); !got.UserVerified || !slices.Equal(got.AMR, []string{"hwk", "user", "mfa"}) {
		t.Errorf("with verification: got %+v, want hwk, user and mfa", got)
	}
	strict := newFactor(t, webauthn.Config{UserVerification: "required"})
	if got := verify(t, strict, s, have, nil); got.Rejected != factors.ReasonPIN {
		t.Errorf("step 17, required and missing: got %q, want %q", got.Rejected, factors.ReasonPIN)
	}
}

func TestFinishVerify_KeyThatIsNoLongerBackupEligible(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	eligible := func(a *answer) { a.flags |= be }
	have := []factors.Device{enrol(t, w, s, "d1", eligible)}
	if got := verify(t, w, s, have, eligible); !got.Accepted() {
		t.Errorf("as at its enrolment: got %q", got.Rejected)
	}
	if got := verify(t, w, s, have, nil); got.Rejected != factors.ReasonBackup || got.Device.ID != "" {
		t.Errorf("not eligible: got %q, device %q, want %q", got.Rejected, got.Device.ID, factors.ReasonBackup)
	}
}

func TestFinishVerify_IgnoresRemovedKey(t *testing.T) {
	w, one, two := newFactor(t, webauthn.Config{}), newSoft(t, -7), newSoft(t, -8)
	first, second := enrol(t, w, one, "d1", nil), enrol(t, w, two, "d2", nil)
	prompt, pending, err := w.BeginVerify(noon, who, []factors.Device{first, second})
	if err != nil {
		t.Fatal(err)
	}
	left := []factors.Device{second}
	got, err := w.FinishVerify(noon, who, left, pending, two.assertion(t, prompt.JSON).asserted(two.signer))
	if err != nil || got.Device.ID != "d2" || !got.Accepted() {
		t.Errorf("the key that is left: got %+v, %v; want accepted", got, err)
	}
	got, err = w.FinishVerify(noon, who, left, pending, one.assertion(t, prompt.JSON).asserted(one.signer))
	if err != nil || got.Rejected != factors.ReasonExpired {
		t.Errorf("the removed key: got %q, %v; want %q", got.Rejected, err, factors.ReasonExpired)
	}
	third := newSoft(t, -7)
	all := append(left, enrol(t, w, third, "d3", nil))
	got, err = w.FinishVerify(noon, who, all, pending, third.assertion(t, prompt.JSON).asserted(third.signer))
	if err != nil || got.Rejected != factors.ReasonWrong {
		t.Errorf("a key added since, not asked for: got %q, %v; want %q", got.Rejected, err, factors.ReasonWrong)
	}
}

func TestFinishVerify_RejectsForeignPending(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	have := []factors.Device{enrol(t, w, s, "d1", nil)}
	prompt, pending, err := w.BeginVerify(noon, who, have)
	if err != nil {
		t.Fatal(err)
	}
	_, enrolment, err := w.BeginEnrol(noon, who, have)
	if err != nil {
		t.Fatal(err)
	}
	raw, bob := s.assertion(t, prompt.JSON).asserted(s.signer), who
	bob.Handle = []byte("handle-of-bob")
	tests := []struct {
		name    string
		who     factors.Subject
		pending factors.Pending
	}{
		{"none", who, nil},
		{"not JSON", who, factors.Pending("x")},
		{"of another version", who, bytes.Replace(pending, []byte(`"v":1`), []byte(`"v":2`), 1)},
		{"of an enrolment", who, enrolment},
		{"of somebody else", bob, pending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.FinishVerify(noon, tt.who, have, tt.pending, raw)
			if err != nil || got.Rejected != factors.ReasonExpired {
				t.Errorf("verifying: got %q, %v; want %q", got.Rejected, err, factors.ReasonExpired)
			}
		})
	}
	if got, err := w.FinishEnrol(noon, who, pending, raw); err != nil || got.Rejected != factors.ReasonExpired {
		t.Errorf("enrolling by a verification: got %q, %v; want %q", got.Rejected, err, factors.ReasonExpired)
	}
}

func TestBeginVerify_WithoutUsableKey(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	d := enrol(t, w, s, "d1", nil)
	d.Disabled = "clone"
	prompt, pending, err := w.BeginVerify(noon, who, []factors.Device{d, {Kind: "totp"}})
	if err != nil || prompt.JSON != nil || pending != nil {
		t.Errorf("got %+v, %s, %v; want a prompt without JSON", prompt, pending, err)
	}
	d.Disabled, d.Data = "", json.RawMessage(`{"v":9}`)
	if _, _, err := w.BeginVerify(noon, who, []factors.Device{d}); err == nil {
		t.Error("a record that cannot be read: got no error")
	}
}

func TestBeginEnrol_RejectsEleventhKeyAndRepeats(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	d := enrol(t, w, s, "d1", nil)
	if _, _, err := w.BeginEnrol(noon, who, slices.Repeat([]factors.Device{d}, 10)); !errors.Is(err, factors.ErrTooMany) {
		t.Errorf("ten keys: got %v, want %v", err, factors.ErrTooMany)
	}
	prompt, pending, err := w.BeginEnrol(noon, who, []factors.Device{d})
	if err != nil || !bytes.Contains(prompt.JSON, []byte(d.Unique)) {
		t.Fatalf("got options %s, %v; want the key excluded", prompt.JSON, err)
	}
	if got, err := w.FinishEnrol(noon, who, pending, s.creation(t, prompt.JSON).created()); err != nil || got.Rejected != factors.ReasonTaken {
		t.Errorf("the same key again: got %q, %v; want %q", got.Rejected, err, factors.ReasonTaken)
	}
}

func TestFactor_AcceptsIndependentImplementation(t *testing.T) {
	w := newFactor(t, webauthn.Config{})
	rp := virtualwebauthn.RelyingParty{ID: rpID, Name: "Barillet", Origin: origin}
	auth := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: who.Handle})
	cred := factortest.NewKey(t)
	prompt, pending, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	creation, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, prompt.JSON))
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.FinishEnrol(noon, who, pending, []byte(virtualwebauthn.CreateAttestationResponse(rp, auth, cred, *creation)))
	if err != nil || !got.Accepted() {
		t.Fatalf("enrolling: got %q, %v; want accepted", got.Rejected, err)
	}
	cred.Counter = 1
	have := []factors.Device{got.Device}
	if prompt, pending, err = w.BeginVerify(noon, who, have); err != nil {
		t.Fatal(err)
	}
	request, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, prompt.JSON))
	if err != nil {
		t.Fatal(err)
	}
	got, err = w.FinishVerify(noon, who, have, pending, []byte(virtualwebauthn.CreateAssertionResponse(rp, auth, cred, *request)))
	if err != nil || !got.Accepted() {
		t.Errorf("verifying: got %q, %v; want accepted", got.Rejected, err)
	}
}
