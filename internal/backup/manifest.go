// Package backup makes backups of an open store, and reads them: one file with a manifest under a MAC and the store file, which can be
// encrypted to the operator's keys (docs/adr/0015). It does not decide who may have one, and does not restore records: a restored store
// is opened as any other.
package backup

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"barillet/store"
)

// A backup begins with a line that has its format. Then follow the length of the manifest in four bytes (big endian), the manifest as
// JSON, its MAC of 32 bytes, and the store file, compressed by gzip. Nothing follows. An encrypted backup is an age file with all of this.
const (
	format      = 1
	magic       = "barillet backup "
	head        = magic + "1\n"
	maxManifest = 16 << 10
	macSize     = 32
)

var (
	// ErrNotBackup is wrapped by the error for a file of another kind.
	ErrNotBackup = errors.New("not a backup of this program")
	// ErrDamaged is wrapped by the error for a backup that is cut, extended or changed, or that was not made with this key file.
	ErrDamaged = errors.New("the backup is damaged or forged")
	// ErrNoIdentity is wrapped by the error for an encrypted backup that none of the identities opens.
	ErrNoIdentity = errors.New("the backup is encrypted")
)

// Manifest describes a backup. Its MAC is made with a key derived from the master key, which no backup contains.
type Manifest struct {
	Format      int       `json:"format"`
	Program     string    `json:"program"` // the version that made it
	At          time.Time `json:"at"`
	StoreFormat int       `json:"storeFormat"`
	Created     time.Time `json:"created"` // of the store
	Master      string    `json:"master"`  // ids of the root keys
	Pepper      string    `json:"pepper"`
	Size        int64     `json:"size"`    // of the store file, in bytes
	SHA256      string    `json:"sha256"`  // of the store file
	Records     int64     `json:"records"` // of all tables
	AuditSize   int64     `json:"auditSize"`
	AuditRoot   string    `json:"auditRoot"` // of the audit tree with AuditSize entries
}

// purpose names the key of the MAC.
const purpose = "backup manifest"

// write writes what is before the store file.
func (m Manifest) write(w io.Writer, key store.MasterKey) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding the manifest: %w", err)
	}
	out := binary.BigEndian.AppendUint32([]byte(head), uint32(len(text)))
	out = append(append(out, text...), key.MAC(purpose, []byte(head), text)...)
	_, err = w.Write(out)
	return err
}

// readManifest reads what is before the store file.
func readManifest(r io.Reader, keys store.RootKeys) (Manifest, error) {
	var m Manifest
	line := make([]byte, len(head))
	if _, err := io.ReadFull(r, line); err != nil || !strings.HasPrefix(string(line), magic) {
		return m, readError(err, ErrNotBackup)
	}
	if string(line) != head {
		return m, fmt.Errorf("its format is %s, want %d: %w", strconv.Quote(strings.TrimPrefix(string(line), magic)), format, store.ErrNewer)
	}
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return m, readError(err, ErrDamaged)
	}
	length := binary.BigEndian.Uint32(size[:])
	if length > maxManifest {
		return m, fmt.Errorf("%w: its manifest has %d bytes, want at most %d", ErrDamaged, length, maxManifest)
	}
	text := make([]byte, length+macSize)
	if _, err := io.ReadFull(r, text); err != nil {
		return m, readError(err, ErrDamaged)
	}
	text, mac := text[:length], text[length:]
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	master := keys.MasterOf(m.Master) // an older one too: the backup can be from before a rotation
	if master.IsZero() {
		return Manifest{}, fmt.Errorf("it names master key %s, the key file has %s: %w", strconv.Quote(m.Master), keys.Master.ID(), store.ErrWrongKey)
	}
	if !hmac.Equal(mac, master.MAC(purpose, []byte(head), text)) {
		return Manifest{}, fmt.Errorf("%w: its manifest has a wrong MAC", ErrDamaged)
	}
	if m.StoreFormat > store.Format {
		return Manifest{}, fmt.Errorf("its store has format %d, want at most %d: %w", m.StoreFormat, store.Format, store.ErrNewer)
	}
	return m, nil
}

// readError returns the error of a read: one of the file system as it is, another one, such as an early end, as the fault of the backup.
func readError(err, fault error) error {
	if isFileSystem(err) {
		return err
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault
	}
	return fmt.Errorf("%w: %w", fault, err)
}
