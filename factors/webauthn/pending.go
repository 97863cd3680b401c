package webauthn

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// pendingVersion rises with any change to pending or to what the library needs of it: a ceremony that was under way
// over an upgrade is begun again.
const pendingVersion = 1

// The two purposes. What was begun for one is worth nothing for the other.
const (
	purposeEnrol  = "enrol"
	purposeVerify = "verify"
)

// pending is what is remembered between Begin and Finish. It has no time in it: its age is the caller's to judge.
type pending struct {
	Version   int      `json:"v"`
	Purpose   string   `json:"purpose"`
	Challenge string   `json:"challenge"` // base64url of 32 random bytes
	Origin    string   `json:"origin,omitempty"`
	Handle    []byte   `json:"handle"`
	UV        string   `json:"uv"`
	Keys      [][]byte `json:"keys,omitempty"` // credential ids: refused at enrolment, allowed at verification
}

func (w *WebAuthn) newPending(purpose string, who factors.Subject, s *library.SessionData, keys []key) (factors.Pending, error) {
	p := pending{Version: pendingVersion, Purpose: purpose, Challenge: s.Challenge, Origin: who.Origin, Handle: who.Handle, UV: string(w.uv)}
	for _, k := range keys {
		p.Keys = append(p.Keys, k.record.ID)
	}
	out, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing a pending ceremony: %w", err)
	}
	return out, nil
}

// readPending reads what was remembered; false: begin again. No Pending at all is a ceremony nobody began.
func readPending(raw factors.Pending, purpose string, who factors.Subject) (pending, bool) {
	var p pending
	if json.Unmarshal(raw, &p) != nil || p.Version != pendingVersion || p.Purpose != purpose {
		return pending{}, false
	}
	// A ceremony is of the person that it was begun for; without a handle it is of nobody.
	return p, len(p.Handle) > 0 && bytes.Equal(p.Handle, who.Handle) && p.Challenge != ""
}

// has tells whether the credential id is in the list.
func (p pending) has(id []byte) bool {
	for _, k := range p.Keys {
		if bytes.Equal(k, id) {
			return true
		}
	}
	return false
}

// session is the pending ceremony as the library wants it. Expires stays zero: the library would read its own clock.
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

// expected is the origins that an answer may come from.
func (w *WebAuthn) expected(p pending) []string {
	if p.Origin != "" {
		return []string{p.Origin}
	}
	return w.origins
}
