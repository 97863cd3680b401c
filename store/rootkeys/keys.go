package rootkeys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	keySize  = 32 // bytes of a key
	redacted = "[redacted]"
)

// Master encrypts the data keys of the store. It prints as [redacted]. The zero value is no key.
type Master struct {
	key     *[keySize]byte // a pointer, because fmt prints the bytes of an array in an unexported field and ignores Format
	created time.Time
}

// Pepper is the key of the HMACs of short secrets, and of values that a record key must not reveal. It prints as
// [redacted]. The zero value is no key: its MAC panics.
type Pepper struct{ key *pepperKey }

type pepperKey struct {
	bytes   *[keySize]byte
	macs    sync.Pool // of hash.Hash: each request computes several MACs
	created time.Time
}

func newPepper(bytes *[keySize]byte, created time.Time) Pepper {
	k := &pepperKey{bytes: bytes, created: created}
	k.macs.New = func() any { return hmac.New(sha256.New, bytes[:]) }
	return Pepper{k}
}

// Keys are the keys in the key file. The store does not contain them.
type Keys struct {
	Master Master // wraps the data keys
	Pepper Pepper // the index key, which never changes

	replaced *replacedKeys // nil: none was replaced
}

// replacedKeys are what a key file of format 2 adds. Nothing changes them.
type replacedKeys struct {
	masters   []Master // older ones, the last one first
	passwords []Pepper // the first hashes new passwords; empty: the index key does
}

// New returns two random keys of 256 bits.
func New() Keys {
	var keys Keys
	keys.Master.key, keys.Pepper = newKey(), newPepper(newKey(), time.Time{})
	return keys
}

func newKey() *[keySize]byte {
	key := new([keySize]byte)
	rand.Read(key[:]) // crypto/rand.Read never fails
	return key
}

// ID returns 16 hex digits that identify the key and reveal nothing about it.
func (k Master) ID() string { return keyID(k.key, "master key id") }

// MAC returns the HMAC-SHA-256 of the parts under a key that is derived for one purpose (RFC 5869). The length of each part is included.
func (k Master) MAC(purpose string, parts ...[]byte) []byte {
	if k.key == nil {
		panic("rootkeys: MAC without a master key")
	}
	derived, err := hkdf.Key(sha256.New, k.key[:], nil, "barillet master "+purpose, keySize)
	if err != nil {
		panic("rootkeys: deriving a key: " + err.Error()) // only of a length that HKDF does not have
	}
	mac := hmac.New(sha256.New, derived)
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// ID returns 16 hex digits that identify the key and reveal nothing about it.
func (p Pepper) ID() string {
	if p.key == nil {
		return ""
	}
	return keyID(p.key.bytes, "pepper id")
}

// MAC returns the HMAC-SHA-256 (RFC 2104) of the parts, 32 bytes. Another purpose gives another value. The length of
// each part is included, so ("ab", "c") and ("a", "bc") differ.
func (p Pepper) MAC(purpose string, parts ...[]byte) []byte {
	if p.key == nil {
		panic("rootkeys: MAC without a pepper")
	}
	mac := p.key.macs.Get().(hash.Hash)
	defer p.key.macs.Put(mac)
	mac.Reset()
	var size [8]byte
	frame := func(part []byte) {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write(part)
	}
	frame([]byte("barillet pepper"))
	frame([]byte(purpose))
	for _, part := range parts {
		frame(part)
	}
	return mac.Sum(nil)
}

func keyID(key *[keySize]byte, purpose string) string {
	if key == nil {
		return ""
	}
	mac := hmac.New(sha256.New, key[:])
	io.WriteString(mac, "barillet "+purpose)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func (k Master) String() string               { return redacted }
func (k Master) GoString() string             { return redacted }
func (k Master) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (k Master) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (k Master) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (p Pepper) String() string               { return redacted }
func (p Pepper) GoString() string             { return redacted }
func (p Pepper) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (p Pepper) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (p Pepper) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (h Keys) String() string               { return redacted }
func (h Keys) GoString() string             { return redacted }
func (h Keys) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (h Keys) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (h Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// IsZero reports whether there is no key.
func (k Master) IsZero() bool { return k.key == nil }

// IsZero reports whether there is no key.
func (p Pepper) IsZero() bool { return p.key == nil }

// AEAD returns the cipher of the key: AES-256-GCM that puts a random nonce before the ciphertext (NIST SP 800-38D §8.2.2).
func (k Master) AEAD() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
