package authn_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/webauthn"
	"barillet/internal/secret"
)

const (
	benchRPID   = "login.example" // of the service
	benchOrigin = "https://login.example"
)

// softKey is a security key in software (ES256) that all users share.
type softKey struct {
	rp         virtualwebauthn.RelyingParty
	owner      virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

func newSoftKey(b *testing.B) *softKey {
	return &softKey{rp: virtualwebauthn.RelyingParty{ID: benchRPID, Name: "Barillet", Origin: benchOrigin},
		owner: virtualwebauthn.NewAuthenticator(), credential: factortest.NewKey(b)}
}

// device enrols the key.
func (k *softKey) device(b *testing.B) factors.Device {
	b.Helper()
	w, err := webauthn.New(webauthn.Config{RPID: benchRPID, RPDisplayName: "Barillet", Origins: []string{benchOrigin}})
	if err != nil {
		b.Fatal(err)
	}
	subject := factors.Subject{Handle: []byte("handle-of-all-000"), Login: "all@garage.example", Name: "All", Origin: benchOrigin}
	prompt, pending, err := w.BeginEnrol(authntest.Start, subject, nil)
	if err != nil {
		b.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, prompt.JSON))
	if err != nil {
		b.Fatal(err)
	}
	out, err := w.FinishEnrol(authntest.Start, subject, pending, []byte(virtualwebauthn.CreateAttestationResponse(k.rp, k.owner, k.credential, *options)))
	if err != nil || !out.Accepted() {
		b.Fatalf("enrolling a key: %v, rejected %q", err, out.Rejected)
	}
	out.Device.ID, out.Device.Name = "key", "YubiKey"
	return out.Device
}

// sign answers request options.
func (k *softKey) sign(options []byte) ([]byte, error) {
	o, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, options))
	if err != nil {
		return nil, err
	}
	return []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.owner, k.credential, *o)), nil
}

// BenchmarkAssertion compares a second step by security key with the bare verification of the library.
func BenchmarkAssertion(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			setGCAsInProgram(b)
			k := newSoftKey(b)
			crowd := authntest.NewPopulation(b, min(1000+clients*500, 8000), k.device(b))
			compare(b, clients, side{"assertions", func(b *testing.B) (func(int) error, int) {
				logins, answers := assertions(b, crowd, k)
				return func(i int) error { return verifyKey(b, crowd, i, logins[i], answers[i]) }, len(logins)
			}}, side{"library", func(b *testing.B) (func(int) error, int) { return bareAssertion(b, k), unlimited }})
		})
	}
}

// assertions begins a verification by key for every user and returns the answers.
func assertions(b *testing.B, crowd *authntest.Population, k *softKey) ([]secret.Value, [][]byte) {
	b.Helper()
	k.credential.Counter++
	logins := crowd.StartSignIns(len(crowd.Users))
	answers := make([][]byte, len(logins))
	crowd.Each(64, len(logins), func(i int) error {
		prompt, err := crowd.Authn.BeginVerify(b.Context(), crowd.From, logins[i], factors.InputAssertion)
		if err != nil {
			return err
		}
		answers[i], err = k.sign(prompt.JSON)
		return err
	})
	return logins, answers
}

func verifyKey(b *testing.B, crowd *authntest.Population, i int, transaction secret.Value, answer []byte) error {
	req := crowd.From
	req.Browser = crowd.Users[i].Browser
	v, err := crowd.Authn.Verify(b.Context(), req, transaction, factors.InputAssertion, answer)
	if err != nil || !v.Accepted() {
		return fmt.Errorf("key of %s: %v, rejected %q", crowd.Users[i].Login, err, v.Rejected)
	}
	return nil
}

// bareUser implements webauthn.User of the library.
type bareUser struct{ credentials []library.Credential }

func (bareUser) WebAuthnID() []byte                          { return []byte("handle-of-all-000") }
func (bareUser) WebAuthnName() string                        { return "all@garage.example" }
func (bareUser) WebAuthnDisplayName() string                 { return "All" }
func (u bareUser) WebAuthnCredentials() []library.Credential { return u.credentials }

// bareAssertion parses and verifies one assertion by the library alone.
func bareAssertion(b *testing.B, k *softKey) func(int) error {
	b.Helper()
	lib, err := library.New(&library.Config{RPID: benchRPID, RPDisplayName: "Barillet", RPOrigins: []string{benchOrigin}})
	if err != nil {
		b.Fatal(err)
	}
	var u bareUser
	creation, session, err := lib.BeginRegistration(u)
	if err != nil {
		b.Fatal(err)
	}
	born, err := virtualwebauthn.ParseAttestationOptions(challengeOf(b, creation.Response))
	if err != nil {
		b.Fatal(err)
	}
	made, err := protocol.ParseCredentialCreationResponseBytes([]byte(virtualwebauthn.CreateAttestationResponse(k.rp, k.owner, k.credential, *born)))
	if err != nil {
		b.Fatal(err)
	}
	credential, err := lib.CreateCredential(u, *session, made)
	if err != nil {
		b.Fatal(err)
	}
	u.credentials = []library.Credential{*credential}
	request, session, err := lib.BeginLogin(u)
	if err != nil {
		b.Fatal(err)
	}
	options, err := virtualwebauthn.ParseAssertionOptions(challengeOf(b, request.Response))
	if err != nil {
		b.Fatal(err)
	}
	answer := []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.owner, k.credential, *options))
	return func(int) error {
		parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
		if err != nil {
			return err
		}
		_, err = lib.ValidateLogin(u, *session, parsed)
		return err
	}
}

func challengeOf(b *testing.B, options any) string {
	b.Helper()
	raw, err := json.Marshal(options)
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf(`{"publicKey":%s}`, raw)
}
