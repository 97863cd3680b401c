package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The vector is from the DSSE protocol, version 1.0.0.
func TestEncode_GivesTheBytesOfTheDSSEProtocol(t *testing.T) {
	want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
	if got := string(encode("http://example.com/HelloWorld", []byte("hello world"))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVerify_FindsEveryChangeOfASignedRelease(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"":                         func(string) error { return nil },
		"is not the file":          func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("other"), 0o600) },
		"b is not the file":        func(dir string) error { return os.WriteFile(filepath.Join(dir, "b"), nil, 0o600) },
		"a is missing":             func(dir string) error { return os.Remove(filepath.Join(dir, "a")) },
		"has 0 provenances":        func(dir string) error { return os.Remove(filepath.Join(dir, "barillet_1.0.0_"+provenanceSuffix)) },
		"no signature of this key": func(dir string) error { return newKey(filepath.Join(dir, "..", "key")) },
		"is not an in-toto statement": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "barillet_1.0.0_"+provenanceSuffix), []byte(`{"payloadType":"x"}`), 0o600)
		},
	} {
		top := t.TempDir()
		dir, key := filepath.Join(top, "dist"), filepath.Join(top, "key")
		if err := write(filepath.Join(dir, "a"), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := newKey(key); err != nil {
			t.Fatal(err)
		}
		r := &release{options: options{out: dir, key: key, builder: "https://builder.example"}, version: "1.0.0", commit: "c0ffee"}
		r.targets = []target{{}}
		r.targets[0].info = hostInfo(t)
		if err := r.provenance(); err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		_, err := verify(dir, key+".pub")
		if (name == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
}

// newKey writes a new key and its public key into files.
func newKey(path string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		return err
	}
	return write(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600)
}

func TestBuild_RefusesWithoutKeyBuilderOrDatabase(t *testing.T) {
	for want, o := range map[string]options{
		"no key":      {noVEX: true},
		"no builder":  {key: "k", noVEX: true},
		"no database": {unsigned: true},
	} {
		if err := build(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestStampVEX_RefusesAnAffectedProgramAndNamesTheProduct(t *testing.T) {
	doc := func(status string) []byte {
		return []byte(`{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"vulnerability":{"name":"GO-2026-1"},"status":"` + status +
			`","products":[{"@id":"Unknown Product"}]}]}`)
	}
	text, err := stampVEX(doc("not_affected"), "1.0.0", time.Unix(0, 0).UTC())
	if err != nil || !strings.Contains(string(text), "pkg:generic/barillet@1.0.0") || !strings.Contains(string(text), "1970-01-01T00:00:00Z") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := stampVEX(doc("affected"), "1.0.0", time.Now()); err == nil || !strings.Contains(err.Error(), "GO-2026-1") {
		t.Errorf("got %v", err)
	}
}

func TestDebianVersion_SortsAsSemanticVersionsDo(t *testing.T) {
	for _, pair := range [][2]string{{"1.0.0-rc.1", "1.0.0"}, {"0.0.0-20261201005817-d12715d60d4d", "0.0.0"}, {"1.9.0", "1.10.0"}} {
		out, err := exec.Command("dpkg", "--compare-versions", debianVersion(pair[0]), "lt", debianVersion(pair[1])).CombinedOutput()
		if err != nil {
			t.Errorf("%s is not less than %s: %v %s", debianVersion(pair[0]), debianVersion(pair[1]), err, out)
		}
	}
}

func TestUnit_IsHardened(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", "debian/barillet.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
