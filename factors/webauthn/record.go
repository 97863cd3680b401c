package webauthn

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	library "github.com/go-webauthn/webauthn/webauthn"

	"barillet/factors"
)

// recordVersion is written into every record. Every released version stays readable.
const recordVersion = 1

// record is a Device's Data: WebAuthn L3 §4, "credential record". The flags are separate booleans, because the JSON of the
// library's record loses them.
type record struct {
	Version        int      `json:"v"`
	ID             []byte   `json:"id"`
	PublicKey      []byte   `json:"key"`      // COSE_Key
	Counters       []uint32 `json:"counters"` // the last accepted ones, ascending
	AAGUID         []byte   `json:"aaguid"`
	BackupEligible bool     `json:"backupEligible"`
	BackedUp       bool     `json:"backedUp"`
	UVInitialised  bool     `json:"uvInitialised"` // has verified its user at least once
	Format         string   `json:"format"`        // attestation statement format: "packed", "fido-u2f", "none"
	Attested       string   `json:"attested"`      // attestation type: "basic_full", "basic_surrogate", "none"
	Transports     []string `json:"transports,omitempty"`
}

// key is a Device with its Data read.
type key struct {
	device factors.Device
	record record
}

// usable decodes the records of the usable devices.
func usable(devices []factors.Device) ([]key, error) {
	var out []key
	for _, d := range devices {
		if d.Kind != Kind || !d.Usable() {
			continue
		}
		r, err := readRecord(d)
		if err != nil {
			return nil, err
		}
		out = append(out, key{d, r})
	}
	return out, nil
}

func readRecord(d factors.Device) (record, error) {
	var r record
	err := json.Unmarshal(d.Data, &r)
	switch {
	case err == nil && r.Version != recordVersion:
		err = fmt.Errorf("unknown version %d", r.Version)
	case err == nil && (len(r.ID) == 0 || len(r.PublicKey) == 0 || len(r.Counters) == 0):
		err = errors.New("credential id, public key or counter missing")
	}
	if err != nil {
		return record{}, fmt.Errorf("reading security key %q: %w", d.ID, err)
	}
	return r, nil
}

// credential returns the record as the library requires it.
func (r record) credential() library.Credential {
	return library.Credential{
		ID:                r.ID,
		PublicKey:         r.PublicKey,
		AttestationFormat: r.Format,
		AttestationType:   r.Attested,
		Flags: library.CredentialFlags{
			UserPresent: true, UserVerified: r.UVInitialised, BackupEligible: r.BackupEligible, BackupState: r.BackedUp,
		},
		Authenticator: library.Authenticator{AAGUID: r.AAGUID, SignCount: r.counter()},
	}
}

// descriptor returns the name of the key for a browser.
func (r record) descriptor() protocol.CredentialDescriptor {
	d := protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: r.ID}
	for _, t := range r.Transports {
		d.Transport = append(d.Transport, protocol.AuthenticatorTransport(t))
	}
	return d
}

// store returns the device with the record.
func (r record) store(d factors.Device) (factors.Device, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return factors.Device{}, fmt.Errorf("writing security key %q: %w", d.ID, err)
	}
	d.Data, d.Unique = data, base64.RawURLEncoding.EncodeToString(r.ID)
	return d, nil
}
