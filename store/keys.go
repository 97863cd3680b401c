package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

const (
	keySize  = 32 // bytes of every key of the house
	redacted = "[redacted]"
)

// MasterKey wraps the data keys of the store. It prints as [redacted]. The zero value is no key.
type MasterKey struct{ key *[keySize]byte } // a pointer: fmt shows the bytes of unexported arrays, whatever Format says

// Pepper keys the HMACs of short secrets and of what must not be guessable from a key name. It prints as
// [redacted]. The zero value is no key: using it panics.
type Pepper struct{ key *[keySize]byte }

// RootKeys are the two keys that live outside the store, in the key file.
type RootKeys struct {
	Master MasterKey
	Pepper Pepper
}

// NewRootKeys draws both keys, 256 bits each.
func NewRootKeys() RootKeys {
	var keys RootKeys
	keys.Master.key, keys.Pepper.key = new([keySize]byte), new([keySize]byte)
	rand.Read(keys.Master.key[:]) // never fails: crypto/rand since Go 1.24
	rand.Read(keys.Pepper.key[:])
	return keys
}

// ID names the key without telling anything of it: 16 hex digits.
func (k MasterKey) ID() string { return keyID(k.key, "master key id") }

// ID names the key without telling anything of it: 16 hex digits.
func (p Pepper) ID() string { return keyID(p.key, "pepper id") }

// MAC is HMAC-SHA-256 (RFC 2104) of the parts, 32 bytes. The purpose keeps its uses apart: the same parts for
// another purpose give another value. Each part goes in with its length, so ("ab", "c") is not ("a", "bc").
func (p Pepper) MAC(purpose string, parts ...[]byte) []byte {
	if p.key == nil {
		panic("store: MAC with no pepper")
	}
	mac := hmac.New(sha256.New, p.key[:])
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
