// Package webauthn is the factor "webauthn": named security keys, YubiKeys above all, proven by a signature over
// a fresh challenge (W3C Web Authentication Level 3, called "L3" here). It owns the two ceremonies, what is
// remembered between their halves, and the stored record of a key. It owns no store, no HTTP and no clock: that a
// ceremony is answered once and in time is the caller's, who drops the Pending in the write that takes the Outcome
// and judges its age. The same answer with the same Pending gives the same Outcome again.
//
// No list of allowed models is offered: without attestation roots a model's name is only what a key says of itself.
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

// Kind is the kind's name, as stored and as logged.
const Kind factors.Kind = "webauthn"

const (
	maxKeys   = 10              // keys of one person
	maxAnswer = 64 << 10        // bytes of an answer; certificates and all, a real one is under 8 KiB
	patience  = 5 * time.Minute // told to the browser; that it is kept to is judged by the caller
)

// Config says for whom keys are made and what is asked of them.
type Config struct {
	RPID          string   // the domain that keys belong to, lower case, no port: "login.example"
	RPDisplayName string   // for people; shown by some browsers
	Origins       []string // every origin the pages are served at, as a browser writes it: "https://login.example"

	// Attestation is how much the browser is asked to tell about the key's maker: "direct" (also ""), "indirect",
	// "enterprise" or "none". With "none" the model's name stays unknown.
	Attestation string
	// UserVerification is whether the key's PIN or finger is asked for: "discouraged" (also ""; right after a
	// password), "preferred" or "required" (right where the key stands alone).
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

var (
	_ factors.Factor    = (*WebAuthn)(nil)
	_ factors.Describer = (*WebAuthn)(nil)
)

// New checks the configuration and makes the factor. It refuses what would only fail in a person's browser: an
// origin that the RPID does not belong to, a default port, a path, http anywhere but on localhost.
func New(cfg Config) (*WebAuthn, error) {
	if cfg.RPID != strings.ToLower(cfg.RPID) || cfg.RPID == "" {
		return nil, fmt.Errorf("security keys need a domain in lower case, got %q", cfg.RPID)
	}
	if len(cfg.Origins) == 0 || cfg.RPDisplayName == "" {
		return nil, errors.New("security keys need a display name and at least one origin")
	}
	for _, o := range cfg.Origins {
		if err := checkOrigin(o, cfg.RPID); err != nil {
			return nil, fmt.Errorf("security keys at origin %q: %w", o, err)
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
	// Algorithms that the house can judge to the end: what every YubiKey makes, what newer ones make, and what
	// keys of the Windows world make. L3 section 5.8.5.
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256} {
		w.params = append(w.params, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	var err error
	if w.lib, err = library.New(settings(cfg, conveyance, uv)); err != nil {
		return nil, fmt.Errorf("setting up security keys: %w", err)
	}
	return w, nil
}

// settings is the configuration in the library's words.
func settings(cfg Config, conveyance protocol.ConveyancePreference, uv protocol.UserVerificationRequirement) *library.Config {
	// Enforce stays off: the library would read its own clock.
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
		// No output of an extension is ever used here, so a browser that volunteers one must not lock anybody out
		// (L3 section 9: a client may process extensions that were not asked for).
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	}
}

// checkOrigin refuses an origin that a browser would never send, or would never let use the RPID
// (L3 section 5.1.3: the RPID is the origin's domain or a suffix of it).
func checkOrigin(origin, rpID string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	host := u.Hostname()
	switch {
	case origin != u.Scheme+"://"+u.Host || host == "" || origin != strings.ToLower(origin):
		return errors.New("want scheme, host and port alone, in lower case")
	case host != rpID && !strings.HasSuffix(host, "."+rpID):
		return fmt.Errorf("%q is not its domain nor a parent of it", rpID)
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80", strings.HasSuffix(u.Host, ":"):
		return errors.New("a browser leaves the default port out")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (host == "localhost" || strings.HasSuffix(host, ".localhost")):
		return nil // a secure context without TLS, for trials
	}
	return errors.New("want https (http only on localhost)")
}

// Kind is "webauthn".
func (w *WebAuthn) Kind() factors.Kind { return Kind }

// providers is what scripts know a security key by.
var providers = []string{"FIDO"}

// Describe tells others about a key. The name of its model is ModelName's to suggest.
func (w *WebAuthn) Describe(factors.Device) factors.Description {
	return factors.Description{OktaType: "webauthn", Provider: "FIDO", Providers: providers, Counts: true, MaxOfKind: maxKeys, Strong: true}
}

// served tells whether the house's pages are at the origin; "" stands for any of the configured ones.
func (w *WebAuthn) served(origin string) error {
	if origin != "" && !slices.Contains(w.origins, origin) {
		return fmt.Errorf("security keys are not set up for origin %q", origin)
	}
	return nil
}

// person is a Subject as the library wants it.
type person struct {
	who  factors.Subject
	keys []library.Credential
}

func (p person) WebAuthnID() []byte   { return p.who.Handle }
func (p person) WebAuthnName() string { return p.who.Login }
func (p person) WebAuthnDisplayName() string {
	if p.who.Name == "" {
		return p.who.Login
	}
	return p.who.Name
}
func (p person) WebAuthnCredentials() []library.Credential { return p.keys }

// refused is the Outcome of an answer that was not accepted and that leaves nothing to store.
func refused(r factors.Reason) factors.Outcome { return factors.Outcome{Rejected: r} }
