package backup_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"barillet/internal/audit/tree"
	"barillet/internal/backup"
	"barillet/store"
	"barillet/store/bolt"
)

// identity returns the two halves of a key of age: the public one, and a file with the secret one.
func identity(t *testing.T, public, secret fmt.Stringer) (backup.Recipients, backup.Identities) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "identity.txt")
	if err := os.WriteFile(path, []byte("# a comment\n"+secret.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	recipients, err := backup.ParseRecipients([]string{public.String()})
	if err != nil {
		t.Fatal(err)
	}
	identities, err := backup.ReadIdentities(path)
	if err != nil {
		t.Fatal(err)
	}
	return recipients, identities
}

func x25519(t *testing.T) (backup.Recipients, backup.Identities) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity(t, key.Recipient(), key)
}

func TestBackup_IsTheStore(t *testing.T) {
	quantum, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]func() (backup.Recipients, backup.Identities){
		"in clear":  func() (backup.Recipients, backup.Identities) { return backup.Recipients{}, backup.Identities{} },
		"encrypted": func() (backup.Recipients, backup.Identities) { return x25519(t) },
		"encrypted for the time after quantum computers": func() (backup.Recipients, backup.Identities) {
			return identity(t, quantum.Recipient(), quantum)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			want, err := records(t.Context(), e.file)
			if err != nil {
				t.Fatal(err)
			}
			var identities backup.Identities
			e.maker.Recipients, identities = key()
			raw, m := e.make()
			text, err := e.extract(raw, identities)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "restored.db")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			restored, err := bolt.Open(path, bolt.Options{Check: true})
			if err != nil {
				t.Fatal(err)
			}
			defer restored.Close()
			if got, err := records(t.Context(), restored); !maps.Equal(got, want) {
				t.Errorf("the backup has %d records, want %d: %v", len(got), len(want), err)
			}
			if m.Records != int64(len(want)) || m.Size != int64(len(text)) || !m.At.Equal(e.now) || m.Program != "v1.2.3" {
				t.Errorf("the manifest is %+v", m)
			}
			audit, err := tree.New(tree.Config{Store: restored, Keyring: e.ring, Pepper: e.keys.Pepper})
			if err != nil {
				t.Fatal(err)
			}
			if report, err := audit.Verify(t.Context()); err != nil || report.Entries+report.Removed != m.AuditSize || m.AuditSize == 0 {
				t.Errorf("the log has %d entries, the manifest %d: %v", report.Entries, m.AuditSize, err)
			}
			if id, err := identityOf(restored); err != nil || !id.Created.Equal(m.Created) || id.Master != m.Master || id.Pepper != m.Pepper {
				t.Errorf("the store is %+v, the manifest says %+v: %v", id, m, err)
			}
			if found, err := e.spools(); len(found) != 0 {
				t.Errorf("the data directory keeps %v, %v", found, err)
			}
		})
	}
}

func identityOf(s store.Store) (id store.Identity, err error) {
	return id, s.View(context.Background(), func(snap store.Snapshot) (err error) {
		id, err = store.IdentityOf(snap)
		return err
	})
}

func TestBackup_HasNoRootKey(t *testing.T) {
	e := newEnv(t)
	raw, _ := e.make()
	text, err := e.extract(raw, backup.Identities{})
	if err != nil {
		t.Fatal(err)
	}
	all := append(bytes.Clone(raw), text...)
	if !bytes.Contains(all, []byte("meta/datakey/")) {
		t.Error("the search does not find the wrapped data keys, so it proves nothing")
	}
	keyFile, err := os.ReadFile(filepath.Join(e.dir, "barillet.key"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(keyFile)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "master" && words[0] != "pepper" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(words[2])
		if err != nil {
			t.Fatal(err)
		}
		found++
		for _, form := range [][]byte{key, key[:16], key[16:], []byte(words[2]), []byte(hex.EncodeToString(key)), []byte(base64.RawURLEncoding.EncodeToString(key))} {
			if bytes.Contains(all, form) {
				t.Errorf("the backup contains the %s key as %q", words[0], form)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d root keys were searched, want 2", found)
	}
}

func TestBackup_IsRefusedIfAnythingOfItIsAnother(t *testing.T) {
	e := newEnv(t)
	recipients, identities := x25519(t)
	for _, encrypted := range []bool{false, true} {
		if e.maker.Recipients = (backup.Recipients{}); encrypted {
			e.maker.Recipients = recipients
		}
		raw, _ := e.make()
		whole, err := e.extract(raw, identities)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, changed []byte) bool {
			t.Helper()
			got, err := e.extract(changed, identities)
			if err == nil && !bytes.Equal(got, whole) {
				t.Errorf("encrypted %v, %s: another store is accepted", encrypted, what)
			}
			if err != nil && !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNotBackup) && !errors.Is(err, store.ErrNewer) &&
				!errors.Is(err, store.ErrWrongKey) && !errors.Is(err, backup.ErrNoIdentity) {
				t.Errorf("encrypted %v, %s: %v", encrypted, what, err)
			}
			return err != nil
		}
		accepted := 0 // a flip in a part of the gzip header that means nothing, such as its time
		step := max(1, len(raw)/2000)
		for at := 0; at < len(raw); at += step {
			if at > 2000 && at < 3000 {
				step = max(1, len(raw)/500)
			}
			flipped := bytes.Clone(raw)
			flipped[at] ^= 1 << (at % 8)
			if !refused(fmt.Sprintf("bit of byte %d", at), flipped) {
				accepted++
			}
			if at%7 == 0 && !refused(fmt.Sprintf("cut at %d", at), raw[:at]) {
				t.Errorf("encrypted %v: a backup cut at byte %d of %d is accepted", encrypted, at, len(raw))
			}
		}
		if accepted > 8 || encrypted && accepted > 0 {
			t.Errorf("encrypted %v: %d flips are accepted", encrypted, accepted)
		}
		for _, more := range [][]byte{{0}, []byte("\n"), raw} {
			if !refused("extended", append(bytes.Clone(raw), more...)) {
				t.Errorf("encrypted %v: an extended backup is accepted", encrypted)
			}
		}
		if !refused("without its last byte", raw[:len(raw)-1]) {
			t.Errorf("encrypted %v: a cut backup is accepted", encrypted)
		}
	}
}

// parts returns the three parts of a backup in clear: its line, the manifest with its length and MAC, and the store file.
func parts(raw []byte) (line, manifest, body []byte) {
	begin := bytes.IndexByte(raw, '\n') + 1
	end := begin + 4 + int(raw[begin+2])<<8 + int(raw[begin+3]) + 32
	return raw[:begin], raw[begin:end], raw[end:]
}

func TestBackup_AManifestBelongsToItsStoreFile(t *testing.T) {
	e := newEnv(t)
	older, before := e.make()
	newer, after := older, before
	for n := range time.Duration(20) { // until only the content differs
		if before.Size == after.Size && before.SHA256 != after.SHA256 {
			break
		}
		if err := store.Probe(t.Context(), e.file, e.now.Add(n)); err != nil {
			t.Fatal(err)
		}
		older, before = newer, after
		newer, after = e.make()
	}
	if before.Size != after.Size || before.SHA256 == after.SHA256 {
		t.Fatalf("the stores have %d and %d bytes, want two of one size", before.Size, after.Size)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	_, identities := identity(t, key.Recipient(), key)
	line, oldManifest, oldBody := parts(older)
	_, newManifest, newBody := parts(newer)
	for what, mixed := range map[string][]byte{
		"older manifest, newer store": bytes.Join([][]byte{line, oldManifest, newBody}, nil),
		"newer manifest, older store": bytes.Join([][]byte{line, newManifest, oldBody}, nil),
		"no store":                    bytes.Join([][]byte{line, newManifest}, nil),
		"no manifest":                 bytes.Join([][]byte{line, newBody}, nil),
		"two stores":                  bytes.Join([][]byte{line, newManifest, newBody, newBody}, nil),
	} {
		if _, err := e.extract(mixed, identities); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := e.extract(encryptTo(t, key.Recipient(), mixed), identities); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s, encrypted by another: %v", what, err)
		}
	}
}

// encryptTo encrypts as anybody can who knows the public key.
func encryptTo(t *testing.T, public age.Recipient, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, public)
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBackup_OfAnotherKeyFileIsRefused(t *testing.T) {
	e := newEnv(t)
	raw, _ := e.make()
	other := *e
	other.keys = store.NewRootKeys()
	if _, err := other.extract(raw, backup.Identities{}); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("with another key file: %v", err)
	}
	// A forger knows the format, the ids of the keys and a store file, but no root key.
	head, manifest, body := parts(raw)
	text := bytes.Replace(manifest[4:len(manifest)-32], []byte(`"program":"v1.2.3"`), []byte(`"program":"v9.9.9"`), 1)
	forged := bytes.Join([][]byte{head, manifest[:4], text, other.keys.Master.MAC("backup manifest", head, text), body}, nil)
	if _, err := e.extract(forged, backup.Identities{}); !errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), "MAC") {
		t.Errorf("with a MAC of another key: %v", err)
	}
}

func TestBackup_NeedsTheIdentityToWhichItIsEncrypted(t *testing.T) {
	e := newEnv(t)
	var mine backup.Identities
	e.maker.Recipients, mine = x25519(t)
	raw, _ := e.make()
	_, other := x25519(t)
	for what, identities := range map[string]backup.Identities{"no identity": {}, "another": other} {
		if _, err := e.extract(raw, identities); !errors.Is(err, backup.ErrNoIdentity) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := e.extract(raw, mine); err != nil {
		t.Error(err)
	}
	if bytes.Contains(raw, []byte("barillet backup")) || bytes.Contains(raw, []byte("v1.2.3")) {
		t.Error("the manifest is in clear")
	}
}

// endless is what a sender of garbage sends.
type endless struct {
	begin io.Reader
	fill  byte
	read  int64
}

func (r *endless) Read(p []byte) (int, error) {
	if n, _ := r.begin.Read(p); n > 0 {
		return n, nil
	}
	for i := range p {
		p[i] = r.fill
	}
	r.read += int64(len(p))
	return len(p), nil
}

func TestBackup_ReadsLittleOfWhatIsHuge(t *testing.T) {
	e := newEnv(t)
	_, identities := x25519(t)
	for what, begin := range map[string]string{
		"header of age":     "age-encryption.org/v1\n-> X25519 ",
		"stanzas of age":    "age-encryption.org/v1\n",
		"length":            "barillet backup 1\n\xff\xff\xff\xff",
		"manifest":          "barillet backup 1\n\x00\x00\x40\x00",
		"nothing but bytes": "",
	} {
		r := &endless{begin: strings.NewReader(begin), fill: 'A'}
		if _, err := backup.Open(r, e.keys, identities); err == nil || r.read > 4<<20 { // age reads 2 MiB of a header
			t.Errorf("%s: %v after %d bytes", what, err, r.read)
		}
	}
}

func TestRecipients_NameTheFaultWithoutASecret(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{{key.String()}, {"age1x"}, {""}, {"ssh-ed25519 AAAA"}, {key.Recipient().String() + "\n" + key.Recipient().String()},
		{key.Recipient().String(), quantum.Recipient().String()}} {
		if _, err := backup.ParseRecipients(keys); err == nil || strings.Contains(err.Error(), key.String()[16:]) {
			t.Errorf("%.20q: %v", keys, err)
		}
	}
}
