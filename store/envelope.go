package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUnreadable is wrapped by the error for a record that cannot be decrypted or decoded.
var ErrUnreadable = errors.New("record cannot be read")

// ErrDecrypt is wrapped by the error for a record that cannot be decrypted: it was altered, moved from another key, or
// damaged.
var ErrDecrypt = errors.New("record cannot be decrypted")

// A sealed record has one byte of envelope format, two bytes of record version (big endian) and eight bytes of data key
// id. The nonce and the AES-256-GCM ciphertext of the JSON follow. The additional data is the first eleven bytes and the
// full key of the record. So a record with another version or under another key cannot be decrypted (promise S1).
const (
	envelopeFormat = 1
	envelopeHeader = 1 + 2 + 8
	gcmOverhead    = 12 + 16
)

func (r *Keyring) seal(key string, version int, plain []byte) []byte {
	out := make([]byte, envelopeHeader, envelopeHeader+len(plain)+gcmOverhead)
	out[0] = envelopeFormat
	binary.BigEndian.PutUint16(out[1:], uint16(version))
	copy(out[3:], r.active[:])
	return r.aeads[r.active].Seal(out, nil, plain, additional(out, key))
}

func (r *Keyring) open(key string, sealed []byte) (version int, plain []byte, err error) {
	if len(sealed) == 0 {
		return 0, nil, fmt.Errorf("empty envelope: %w", ErrDecrypt)
	}
	if sealed[0] > envelopeFormat {
		return 0, nil, fmt.Errorf("envelope format is %d, want at most %d: %w", sealed[0], envelopeFormat, ErrNewer)
	}
	if sealed[0] != envelopeFormat || len(sealed) < envelopeHeader+gcmOverhead {
		return 0, nil, fmt.Errorf("malformed envelope: %w", ErrDecrypt)
	}
	id := dataKeyID(sealed[3:envelopeHeader])
	aead := r.aeads[id]
	if aead == nil {
		return 0, nil, fmt.Errorf("data key %x is not in this store: %w", id[:], ErrDecrypt)
	}
	plain, err = aead.Open(nil, nil, sealed[envelopeHeader:], additional(sealed[:envelopeHeader], key))
	if err != nil {
		return 0, nil, fmt.Errorf("authentication failed: %w", ErrDecrypt)
	}
	return int(binary.BigEndian.Uint16(sealed[1:])), plain, nil
}

func additional(head []byte, key string) []byte {
	out := make([]byte, 0, envelopeHeader+len(key))
	out = append(out, head[:envelopeHeader]...)
	return append(out, key...)
}
