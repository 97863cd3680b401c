package store

import (
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
)

const (
	keySize  = 32 // bytes of a root key or a data key
	redacted = "[redacted]"
)

// MasterKey encrypts the data keys of the store. It prints as [redacted]. The zero value is no key.
type MasterKey struct{ key *[keySize]byte } // a pointer, because fmt prints the bytes of an array in an unexported field and ignores Format

// Pepper is the key of the HMACs of short secrets, and of values that a record key must not reveal. It prints as
// [redacted]. The zero value is no key: its MAC panics.
type Pepper struct{ key *pepperKey }

type pepperKey struct {
	bytes *[keySize]byte
	macs  sync.Pool // of hash.Hash: each request computes several MACs
}

func newPepper(bytes *[keySize]byte) Pepper {
	k := &pepperKey{bytes: bytes}
	k.macs.New = func() any { return hmac.New(sha256.New, bytes[:]) }
	return Pepper{k}
}

// RootKeys are the two keys in the key file. The store does not contain them.
type RootKeys struct {
	Master MasterKey
	Pepper Pepper
}

// NewRootKeys returns two random keys of 256 bits.
func NewRootKeys() RootKeys {
	var keys RootKeys
	keys.Master.key, keys.Pepper = new([keySize]byte), newPepper(new([keySize]byte))
	rand.Read(keys.Master.key[:]) // crypto/rand.Read never fails
	rand.Read(keys.Pepper.key.bytes[:])
	return keys
}

// ID returns 16 hex digits that identify the key and reveal nothing about it.
func (k MasterKey) ID() string { return keyID(k.key, "master key id") }

// MAC returns the HMAC-SHA-256 of the parts under a key that is derived for one purpose (RFC 5869). The length of each part is included.
func (k MasterKey) MAC(purpose string, parts ...[]byte) []byte {
	if k.key == nil {
		panic("store: MAC without a master key")
	}
	derived, err := hkdf.Key(sha256.New, k.key[:], nil, "barillet master "+purpose, keySize)
	if err != nil {
		panic("store: deriving a key: " + err.Error()) // only of a length that HKDF does not have
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
		panic("store: MAC without a pepper")
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

func (k MasterKey) String() string               { return redacted }
func (k MasterKey) GoString() string             { return redacted }
func (k MasterKey) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (k MasterKey) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (k MasterKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (p Pepper) String() string               { return redacted }
func (p Pepper) GoString() string             { return redacted }
func (p Pepper) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (p Pepper) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (p Pepper) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (h RootKeys) String() string               { return redacted }
func (h RootKeys) GoString() string             { return redacted }
func (h RootKeys) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (h RootKeys) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (h RootKeys) MarshalText() ([]byte, error) { return []byte(redacted), nil }
