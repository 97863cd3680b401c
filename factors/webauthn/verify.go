package webauthn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// BeginVerify asks for any one of the user's keys. Prompt.JSON is for PublicKeyCredential.parseRequestOptionsFromJSON.
// For a user without a usable key the Prompt has no JSON, and the Pending and the error are nil: an error would disclose
// whether the user has a key.
func (w *WebAuthn) BeginVerify(_ time.Time, subject factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	if err := w.served(subject.Origin); err != nil {
		return factors.Prompt{}, nil, err
	}
	keys, err := usable(devices)
	if err != nil {
		return factors.Prompt{}, nil, err
	}
	if len(keys) == 0 {
		return factors.Prompt{}, nil, nil
	}
	credentials := make([]library.Credential, len(keys))
	allowed := make([]protocol.CredentialDescriptor, len(keys))
	for i, k := range keys {
		credentials[i], allowed[i] = k.record.credential(), k.record.descriptor()
	}
	assertion, session, err := w.lib.BeginLogin(user{subject, credentials}, library.WithAllowedCredentials(allowed),
		library.WithAssertionPublicKeyCredentialHints([]protocol.PublicKeyCredentialHints{protocol.PublicKeyCredentialHintSecurityKey}))
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("beginning to verify a security key: %w", err)
	}
	out, err := json.Marshal(assertion.Response)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing request options: %w", err)
	}
	p, err := w.newPending(purposeVerify, subject, session, keys)
	return factors.Prompt{JSON: out}, p, err
}

// FinishVerify judges an assertion by WebAuthn L3 §7.2. The answer is the JSON of PublicKeyCredential.toJSON(), at most 64
// KiB. The Device of an accepted Outcome has the counter and the flags of this assertion. With ReasonClone the Device is
// marked and must be stored.
func (w *WebAuthn) FinishVerify(now time.Time, subject factors.Subject, devices []factors.Device, raw factors.Pending, answer []byte) (factors.Outcome, error) {
	keys, err := usable(devices)
	if err != nil {
		return factors.Outcome{}, err
	}
	p, ok := readPending(raw, purposeVerify, subject)
	if !ok {
		return refused(factors.ReasonExpired), nil
	}
	if len(answer) > maxAnswer {
		return refused(factors.ReasonFormat), nil
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return refused(factors.ReasonFormat), nil
	}
	k, r := pick(p, keys, parsed.RawID)
	if r == factors.ReasonNone {
		r = w.checkAssertion(p, subject, parsed)
	}
	if r != factors.ReasonNone {
		return refused(r), nil
	}
	// The library gets only the key that answered: it would refuse the answer if another of the list was removed since.
	// It does steps 11, 15 to 17, 20 and 21, and repeats the others.
	s := w.session(p)
	s.AllowedCredentialIDs = [][]byte{k.record.ID}
	c, eligible := k.record.credential(), parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
	c.Flags.BackupEligible = eligible
	if _, err := w.lib.ValidateLogin(user{subject, []library.Credential{c}}, s, parsed); err != nil {
		return refused(factors.ReasonWrong), nil
	}
	if eligible != k.record.BackupEligible { // step 19, of a flag that is now known to be signed
		return refused(factors.ReasonBackup), nil
	}
	return accept(now, k, p.key(k.record.ID).Counter, parsed.Response.AuthenticatorData)
}

// pick returns the key that answered (WebAuthn L3 §7.2 steps 5 and 6): one that was asked for and that the user still has.
func pick(p pending, keys []key, id []byte) (key, factors.Reason) {
	if p.key(id) == nil {
		return key{}, factors.ReasonWrong
	}
	for _, k := range keys {
		if bytes.Equal(k.record.ID, id) {
			return k, factors.ReasonNone
		}
	}
	return key{}, factors.ReasonExpired // removed or disabled since
}

// checkAssertion checks what the library does not, or checks differently.
func (w *WebAuthn) checkAssertion(p pending, subject factors.Subject, parsed *protocol.ParsedCredentialAssertionData) factors.Reason {
	// Step 6: a user handle may be absent; otherwise it must be the user's.
	if h := parsed.Response.UserHandle; len(h) > 0 && !bytes.Equal(h, subject.Handle) {
		return factors.ReasonWrong
	}
	if reason := checkClientData(parsed.Raw.AssertionResponse.ClientDataJSON, "webauthn.get", w.expected(p)); reason != factors.ReasonNone {
		return reason
	}
	f := parsed.Response.AuthenticatorData.Flags
	if f.HasAttestedCredentialData() { // §6.1: not in an assertion
		return factors.ReasonFormat
	}
	return checkFlags(f, p.UV)
}

// accept ends a ceremony whose signature is valid, from step 22, about which the library only warns. begun is the counter
// of the key when the ceremony began.
func accept(now time.Time, k key, begun uint32, data protocol.AuthenticatorData) (factors.Outcome, error) {
	r, d := k.record, k.device
	switch r.addCounter(begun, data.Counter) {
	case factors.ReasonClone:
		d.Disabled = "clone"
		return factors.Outcome{Device: d, Rejected: factors.ReasonClone}, nil
	case factors.ReasonExpired:
		return refused(factors.ReasonExpired), nil
	}
	uv := data.Flags.HasUserVerified()
	r.BackedUp = data.Flags.HasBackupState()
	r.UVInitialised = r.UVInitialised || uv
	d.LastUsed = now
	d, err := r.store(d)
	if err != nil {
		return factors.Outcome{}, err
	}
	return factors.Outcome{Device: d, AMR: amr(uv), UserVerified: uv}, nil
}
