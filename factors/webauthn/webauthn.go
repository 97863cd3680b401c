// Package webauthn is the second factor of a security key, such as a YubiKey: a signature over a fresh challenge (W3C
// Web Authentication Level 3, "WebAuthn L3"). It owns the two ceremonies, the state between their halves, and the stored
// record of a key. It has no store, no HTTP and no clock. The caller ensures that a ceremony is answered once and in
// time: it drops the Pending in the write that stores the Outcome, and checks its age. The same answer with the same
// Pending returns the same Outcome again.
//
// There is no list of allowed models: without attestation roots, only the key itself vouches for its model.
package webauthn

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// Kind is the name under which these devices are stored.
const Kind factors.Kind = "webauthn"

const (
	maxKeys   = 10              // keys of one user
	maxAnswer = 64 << 10        // bytes of an answer; a real one with its certificates is under 8 KiB
	patience  = 5 * time.Minute // sent to the browser; the caller enforces it
)

// Config names the relying party and what it requires of keys.
type Config struct {
	RPID          string   // the domain of the keys, lower case, no port: "login.example"
	RPDisplayName string   // shown by some browsers
	Origins       []string // every origin the pages are served at, as a browser writes it: "https://login.example"

	// Attestation is how much the browser is asked to report about the key's maker: "direct" (also ""), "indirect",
	// "enterprise" or "none". With "none" the model's name stays unknown.
	Attestation string
	// UserVerification is whether the key asks for a PIN or a finger: "discouraged" (also ""; suits a second step
	// after a password), "preferred" or "required" (suits a key that is the only step).
	UserVerification string
}

// WebAuthn is the factor. It holds no state and may be used by many goroutines at once.
type WebAuthn struct {
	lib     *library.WebAuthn
	rpID    string
	origins []string
	uv      protocol.UserVerificationRequirement
	params  []protocol.CredentialParameter
}

var _ factors.Factor = (*WebAuthn)(nil)

// New checks the configuration and returns the factor. It refuses what would fail only in a browser: an origin outside
// the RPID's domain, a default port, a path, and http anywhere but on localhost.
func New(cfg Config) (*WebAuthn, error) {
	if cfg.RPID != strings.ToLower(cfg.RPID) || cfg.RPID == "" {
		return nil, fmt.Errorf("RPID %q is not a domain in lower case", cfg.RPID)
	}
	if len(cfg.Origins) == 0 || cfg.RPDisplayName == "" {
		return nil, errors.New("display name and at least one origin are required")
	}
	for _, o := range cfg.Origins {
		if err := checkOrigin(o, cfg.RPID); err != nil {
			return nil, fmt.Errorf("checking origin %q: %w", o, err)
		}
	}
	conveyance := protocol.ConveyancePreference(cfg.Attestation)
	switch conveyance {
	case "":
		conveyance = protocol.PreferDirectAttestation
	case protocol.PreferDirectAttestation, protocol.PreferIndirectAttestation,
		protocol.PreferEnterpriseAttestation, protocol.PreferNoAttestation:
	default:
		return nil, fmt.Errorf("unknown attestation preference %q", cfg.Attestation)
	}
	uv := protocol.UserVerificationRequirement(cfg.UserVerification)
	switch uv {
	case "":
		uv = protocol.VerificationDiscouraged
	case protocol.VerificationDiscouraged, protocol.VerificationPreferred, protocol.VerificationRequired:
	default:
		return nil, fmt.Errorf("unknown user verification %q", cfg.UserVerification)
	}
	w := &WebAuthn{rpID: cfg.RPID, origins: slices.Clone(cfg.Origins), uv: uv}
	// The algorithms that are verified: that of every YubiKey, that of newer ones, and that of keys made for Windows.
	// WebAuthn L3 §5.8.5.
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256} {
		w.params = append(w.params, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	var err error
	if w.lib, err = library.New(settings(cfg, conveyance, uv)); err != nil {
		return nil, fmt.Errorf("setting up security keys: %w", err)
	}
	return w, nil
}

// settings returns the configuration of the library.
func settings(cfg Config, conveyance protocol.ConveyancePreference, uv protocol.UserVerificationRequirement) *library.Config {
	// Enforce is off: otherwise the library reads its own clock.
	timeout := library.TimeoutConfig{Timeout: patience, TimeoutUVD: patience}
	return &library.Config{
		RPID:                  cfg.RPID,
		RPDisplayName:         cfg.RPDisplayName,
		RPOrigins:             slices.Clone(cfg.Origins),
		AttestationPreference: conveyance,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			AuthenticatorAttachment: protocol.CrossPlatform,
			RequireResidentKey:      protocol.ResidentKeyNotRequired(),
			ResidentKey:             protocol.ResidentKeyRequirementDiscouraged, // a YubiKey has few slots
			UserVerification:        uv,
		},
		Timeouts: library.TimeoutsConfig{Login: timeout, Registration: timeout},
		// No output of an extension is used, so an unsolicited one is ignored (WebAuthn L3 §9: a client may process
		// extensions that were not requested).
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	}
}

// checkOrigin returns an error for an origin that no browser sends, or that may not use the RPID
// (WebAuthn L3 §5.1.3: the RPID is the origin's domain or a suffix of it).
func checkOrigin(origin, rpID string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	host := u.Hostname()
	switch {
	case origin != u.Scheme+"://"+u.Host || host == "" || origin != strings.ToLower(origin):
		return errors.New("not scheme, host and port in lower case")
	case host != rpID && !strings.HasSuffix(host, "."+rpID):
		return fmt.Errorf("not in the domain %q", rpID)
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80", strings.HasSuffix(u.Host, ":"):
		return errors.New("contains the default port")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (host == "localhost" || strings.HasSuffix(host, ".localhost")):
		return nil // a secure context without TLS
	}
	return errors.New("not https, or http on localhost")
}

// Kind implements factors.Factor.
func (w *WebAuthn) Kind() factors.Kind { return Kind }

// providers is Okta's provider of a security key.
var providers = []string{"FIDO"}

// Method implements factors.Factor.
func (w *WebAuthn) Method() factors.Method {
	return factors.Method{Input: factors.InputAssertion, Slug: "key", OktaType: "webauthn", Providers: providers, Max: maxKeys, Primary: true}
}

// Status implements factors.Factor.
func (w *WebAuthn) Status(factors.Device) factors.Status {
	return factors.Status{Provider: providers[0]}
}

// served returns an error unless the pages are at the origin; "" means any of the configured ones.
func (w *WebAuthn) served(origin string) error {
	if origin != "" && !slices.Contains(w.origins, origin) {
		return fmt.Errorf("security keys are not set up for origin %q", origin)
	}
	return nil
}

// user is a Subject as the library requires it.
type user struct {
	subject factors.Subject
	keys    []library.Credential
}

func (u user) WebAuthnID() []byte   { return u.subject.Handle }
func (u user) WebAuthnName() string { return u.subject.Login }
func (u user) WebAuthnDisplayName() string {
	if u.subject.Name == "" {
		return u.subject.Login
	}
	return u.subject.Name
}
func (u user) WebAuthnCredentials() []library.Credential { return u.keys }

// refused returns the Outcome of an answer that is not accepted and leaves nothing to store.
func refused(r factors.Reason) factors.Outcome { return factors.Outcome{Rejected: r} }
