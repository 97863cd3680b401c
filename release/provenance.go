package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	payloadType      = "application/vnd.in-toto+json"
	statementType    = "https://in-toto.io/Statement/v1"
	predicateType    = "https://slsa.dev/provenance/v1"
	buildType        = "https://barillet.invalid/make-release/v1" // described in docs/release.md
	provenanceSuffix = "provenance.intoto.json"
)

// envelope is a DSSE envelope, version 1.0.0.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// statement is an in-toto statement with a SLSA provenance.
type statement struct {
	Type          string           `json:"_type"`
	Subject       []resource       `json:"subject"`
	PredicateType string           `json:"predicateType"`
	Predicate     provenanceDetail `json:"predicate"`
}

type resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest"`
}

type provenanceDetail struct {
	BuildDefinition struct {
		BuildType            string         `json:"buildType"`
		ExternalParameters   map[string]any `json:"externalParameters"`
		InternalParameters   map[string]any `json:"internalParameters"`
		ResolvedDependencies []resource     `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// provenance signs a statement about every file of the release. It has no time of the build, so that a repeat is identical.
func (r *release) provenance() error {
	if r.unsigned {
		return nil
	}
	key, err := privateKey(r.key)
	if err != nil {
		return err
	}
	s := statement{Type: statementType, PredicateType: predicateType}
	if s.Subject, err = subjectsOf(r.out); err != nil {
		return err
	}
	d := &s.Predicate.BuildDefinition
	d.BuildType, d.ExternalParameters = buildType, map[string]any{"targets": strings.Fields(r.options.targets), "vex": !r.noVEX}
	dpkg, err := output(exec.Command("dpkg-query", "--show", "--showformat=${Version}", "dpkg"))
	if err != nil {
		return err
	}
	d.InternalParameters = map[string]any{"go": r.targets[0].info.GoVersion, "dpkg": string(dpkg)}
	d.ResolvedDependencies = []resource{{URI: "git+https://barillet.invalid/barillet", Digest: map[string]string{"gitCommit": r.commit}}}
	s.Predicate.RunDetails.Builder.ID = r.builder
	payload, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text, err := json.Marshal(sign(key, payload))
	if err != nil {
		return err
	}
	return write(filepath.Join(r.out, r.name(provenanceSuffix)), append(text, '\n'), 0o644)
}

// subjectsOf returns the files of a directory, without the provenance.
func subjectsOf(dir string) (out []resource, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), provenanceSuffix) {
			continue
		}
		sum, err := sumOf(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, resource{Name: f.Name(), Digest: map[string]string{"sha256": sum}})
	}
	return out, nil
}

// encode returns the bytes that a DSSE signature covers (PAE).
func encode(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}

func sign(key ed25519.PrivateKey, payload []byte) envelope {
	return envelope{payloadType, base64.StdEncoding.EncodeToString(payload), []signature{{
		keyID(key.Public().(ed25519.PublicKey)), base64.StdEncoding.EncodeToString(ed25519.Sign(key, encode(payloadType, payload)))}}}
}

// keyID returns the SHA-256 of a public key.
func keyID(key ed25519.PublicKey) string { return fmt.Sprintf("%x", sha256.Sum256(key)) }

// open returns the payload of an envelope that the key signed.
func open(key ed25519.PublicKey, text []byte) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("reading provenance: %w", err)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil || e.PayloadType != payloadType {
		return nil, errors.New("the provenance is not an in-toto statement")
	}
	for _, s := range e.Signatures {
		sig, err := base64.StdEncoding.DecodeString(s.Sig)
		if err == nil && ed25519.Verify(key, encode(e.PayloadType, payload), sig) {
			return payload, nil
		}
	}
	return nil, errors.New("the provenance has no signature of this key")
}

// verify checks that every file of a directory is a subject of the one signed provenance in it, and that none is missing. It
// returns their number.
func verify(dir, keyFile string) (int, error) {
	key, err := publicKey(keyFile)
	if err != nil {
		return 0, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"+provenanceSuffix))
	if err != nil {
		return 0, err
	}
	if len(names) != 1 {
		return 0, fmt.Errorf("%s has %d provenances, want one", dir, len(names))
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return 0, err
	}
	payload, err := open(key, text)
	if err != nil {
		return 0, err
	}
	var s statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return 0, fmt.Errorf("reading provenance: %w", err)
	}
	if s.Type != statementType || s.PredicateType != predicateType || len(s.Subject) == 0 {
		return 0, errors.New("the provenance is not one of SLSA v1")
	}
	there, err := subjectsOf(dir)
	if err != nil {
		return 0, err
	}
	want := map[string]string{}
	for _, r := range s.Subject {
		want[r.Name] = r.Digest["sha256"]
	}
	for _, r := range there {
		if want[r.Name] != r.Digest["sha256"] {
			return 0, fmt.Errorf("%s is not the file of the provenance", r.Name)
		}
		delete(want, r.Name)
	}
	for name := range want {
		return 0, fmt.Errorf("%s is missing", name)
	}
	return len(there), nil
}

func privateKey(file string) (ed25519.PrivateKey, error) {
	key, err := pemKey(file, "PRIVATE KEY", x509.ParsePKCS8PrivateKey)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(ed25519.PrivateKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s is not an ed25519 key", file)
}

func publicKey(file string) (ed25519.PublicKey, error) {
	key, err := pemKey(file, "PUBLIC KEY", x509.ParsePKIXPublicKey)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(ed25519.PublicKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("%s is not an ed25519 key", file)
}

func pemKey(file, kind string, parse func([]byte) (any, error)) (any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s is not a %s in PEM", file, kind)
	}
	key, err := parse(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", file, err)
	}
	return key, nil
}
