package webauthn

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// maxID is the longest credential id, in bytes (WebAuthn L3 §7.1 step 25).
const maxID = 1023

// formats are the attestation statements of security keys, and "none". The others are those of phones and computers:
// their parsers stay unreachable.
var formats = []string{
	string(protocol.AttestationFormatNone), string(protocol.AttestationFormatPacked), string(protocol.AttestationFormatFIDOUniversalSecondFactor),
}

// BeginEnrol opens the enrolment of a key. Prompt.JSON is for PublicKeyCredential.parseCreationOptionsFromJSON. It names
// the user's keys, so that the browser refuses them. The caller ensures that the Pending is used once, within five
// minutes.
func (w *WebAuthn) BeginEnrol(_ time.Time, subject factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	if err := w.served(subject.Origin); err != nil {
		return factors.Prompt{}, nil, err
	}
	keys, err := usable(devices)
	if err != nil {
		return factors.Prompt{}, nil, err
	}
	if len(keys) >= maxKeys {
		return factors.Prompt{}, nil, factors.ErrTooMany
	}
	exclude := make([]protocol.CredentialDescriptor, len(keys))
	for i, k := range keys {
		exclude[i] = k.record.descriptor()
	}
	options := []library.RegistrationOption{
		library.WithCredentialParameters(w.params),
		library.WithExclusions(exclude),
		library.WithPublicKeyCredentialHints([]protocol.PublicKeyCredentialHints{protocol.PublicKeyCredentialHintSecurityKey}),
		// Some browsers send credProps without a request; the request makes their answer an expected one.
		library.WithExtensions(library.WithExtensionCredProps()),
	}
	creation, session, err := w.lib.BeginRegistration(user{subject: subject}, options...)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("beginning to enrol a security key: %w", err)
	}
	out, err := json.Marshal(creation.Response)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing creation options: %w", err)
	}
	p, err := w.newPending(purposeEnrol, subject, session, keys)
	return factors.Prompt{JSON: out}, p, err
}

// FinishEnrol judges a new key by WebAuthn L3 §7.1. The answer is the JSON of PublicKeyCredential.toJSON(), at most 64
// KiB. The caller must refuse a Device whose Unique is taken (step 26).
func (w *WebAuthn) FinishEnrol(now time.Time, subject factors.Subject, raw factors.Pending, answer []byte) (factors.Outcome, error) {
	p, ok := readPending(raw, purposeEnrol, subject)
	if !ok {
		return refused(factors.ReasonExpired), nil
	}
	if len(answer) > maxAnswer {
		return refused(factors.ReasonFormat), nil
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return refused(factors.ReasonFormat), nil
	}
	if r := w.checkNew(p, parsed); r != factors.ReasonNone {
		return refused(r), nil
	}
	// The library does steps 8, 14 to 17, 20 and 22, and repeats the others.
	c, err := w.lib.CreateCredential(user{subject: subject}, w.session(p), parsed)
	if err != nil {
		return refused(factors.ReasonWrong), nil
	}
	uv := parsed.Response.AttestationObject.AuthData.Flags.HasUserVerified()
	r := record{
		Version: recordVersion, ID: c.ID, PublicKey: c.PublicKey, Counters: []uint32{c.Authenticator.SignCount}, AAGUID: c.Authenticator.AAGUID,
		BackupEligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState, UVInitialised: uv,
		Format: c.AttestationFormat, Attested: c.AttestationType, Transports: transports(parsed.Response.Transports),
	}
	d, err := r.store(factors.Device{Kind: Kind, Added: now})
	if err != nil {
		return factors.Outcome{}, err
	}
	return factors.Outcome{Device: d, AMR: amr(uv), UserVerified: uv}, nil
}

// checkNew checks what the library does not.
func (w *WebAuthn) checkNew(p pending, parsed *protocol.ParsedCredentialCreationData) factors.Reason {
	if r := checkClientData(parsed.Raw.AttestationResponse.ClientDataJSON, "webauthn.create", w.expected(p)); r != factors.ReasonNone {
		return r
	}
	object := parsed.Response.AttestationObject
	id := object.AuthData.AttData.CredentialID
	switch {
	case len(id) == 0 || len(id) > maxID: // step 25
		return factors.ReasonFormat
	case !slices.Contains(formats, object.Format): // step 21
		return factors.ReasonPolicy
	case p.key(id) != nil: // step 26, for the user's own keys: only an honest browser obeys the exclusion list
		return factors.ReasonTaken
	}
	if r := checkFlags(object.AuthData.Flags, p.UV); r != factors.ReasonNone {
		return r
	}
	return checkKey(object.AuthData.AttData.CredentialPublicKey) // step 20
}

// checkFlags checks the flags in both ceremonies (WebAuthn L3 §7.1 steps 15 to 17, §7.2 steps 16 to 18).
func checkFlags(f protocol.AuthenticatorFlags, uv string) factors.Reason {
	switch {
	case !f.HasUserPresent():
		return factors.ReasonWrong
	case uv == string(protocol.VerificationRequired) && !f.HasUserVerified():
		return factors.ReasonPIN
	case f.HasBackupState() && !f.HasBackupEligible():
		return factors.ReasonWrong
	}
	return factors.ReasonNone
}

// transports returns the known transports that the browser names. They are not signed.
func transports(in []protocol.AuthenticatorTransport) []string {
	var out []string
	for _, t := range in {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			if !slices.Contains(out, string(t)) {
				out = append(out, string(t))
			}
		}
	}
	return out
}

// amr returns the names of what an answer proved (RFC 8176 §2): a hardware key and, with user verification, the presence
// of its user, which makes two factors.
func amr(uv bool) []string {
	if uv {
		return []string{"hwk", "user", "mfa"}
	}
	return []string{"hwk"}
}
