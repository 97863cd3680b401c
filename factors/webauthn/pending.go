package webauthn

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// pendingVersion increases with every change to pending or to what the library needs of it. A ceremony that is open
// during an upgrade begins again.
const pendingVersion = 1

// The two purposes. A ceremony for one is not accepted for the other.
const (
	purposeEnrol  = "enrol"
	purposeVerify = "verify"
)

// pending is kept between Begin and Finish. It holds no time: the caller checks its age.
type pending struct {
	Version   int          `json:"v"`
	Purpose   string       `json:"purpose"`
	Challenge string       `json:"challenge"` // base64url of 32 random bytes
	Origin    string       `json:"origin,omitempty"`
	Handle    []byte       `json:"handle"`
	UV        string       `json:"uv"`
	Keys      []pendingKey `json:"keys,omitempty"` // refused at enrolment, allowed at verification
}

// pendingKey is a key of the user when the ceremony began.
type pendingKey struct {
	ID      []byte `json:"id"`
	Counter uint32 `json:"counter"` // the highest accepted one
}

func (w *WebAuthn) newPending(purpose string, subject factors.Subject, s *library.SessionData, keys []key) (factors.Pending, error) {
	p := pending{Version: pendingVersion, Purpose: purpose, Challenge: s.Challenge, Origin: subject.Origin, Handle: subject.Handle, UV: string(w.uv)}
	for _, k := range keys {
		p.Keys = append(p.Keys, pendingKey{k.record.ID, k.record.counter()})
	}
	out, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing a pending ceremony: %w", err)
	}
	return out, nil
}

// readPending decodes a Pending. It returns false if the ceremony must begin again, and for an empty Pending.
func readPending(raw factors.Pending, purpose string, subject factors.Subject) (pending, bool) {
	var p pending
	if json.Unmarshal(raw, &p) != nil || p.Version != pendingVersion || p.Purpose != purpose {
		return pending{}, false
	}
	// A ceremony belongs to the user for whom it began; without a handle it belongs to no user.
	return p, len(p.Handle) > 0 && bytes.Equal(p.Handle, subject.Handle) && p.Challenge != ""
}

// key returns the key with a credential id; nil if it is not in the list.
func (p pending) key(id []byte) *pendingKey {
	for i := range p.Keys {
		if bytes.Equal(p.Keys[i].ID, id) {
			return &p.Keys[i]
		}
	}
	return nil
}

// session returns the pending ceremony as the library requires it. Expires is zero: otherwise the library reads its own
// clock.
func (w *WebAuthn) session(p pending) library.SessionData {
	return library.SessionData{
		Challenge:        p.Challenge,
		RelyingPartyID:   w.rpID,
		Origin:           p.Origin,
		UserID:           p.Handle,
		UserVerification: protocol.UserVerificationRequirement(p.UV),
		Extensions:       protocol.SessionExtensions{Requested: []string{"credProps"}},
		CredParams:       w.params,
	}
}

// expected returns the origins that an answer may come from.
func (w *WebAuthn) expected(p pending) []string {
	if p.Origin != "" {
		return []string{p.Origin}
	}
	return w.origins
}
