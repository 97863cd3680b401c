package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// ErrUnreadable is wrapped by the error for a record that cannot be decrypted or decoded.
var ErrUnreadable = errors.New("record cannot be read")

// ErrDecrypt is wrapped by the error for a record that cannot be decrypted: it was altered, moved from another key, or
// damaged.
var ErrDecrypt = errors.New("record cannot be decrypted")

// A sealed record has one byte of envelope format, two bytes of record version (big endian) and eight bytes of data key
// id. The nonce and the AES-256-GCM ciphertext of the record follow. The additional data is the first eleven bytes and the
// full key of the record. So a record with another version or under another key cannot be decrypted (promise S1).
const (
	envelopeFormat = 1
	envelopeHeader = 1 + 2 + 8
	gcmOverhead    = 12 + 16
)

// scratches keeps the buffers of seal and open.
var scratches = sync.Pool{New: func() any { return new(scratch) }}

type scratch struct {
	plain              bytes.Buffer
	sealed, additional []byte
}

// bind returns the additional data of a record.
func (s *scratch) bind(head []byte, key string) []byte {
	s.additional = append(append(s.additional[:0], head[:envelopeHeader]...), key...)
	return s.additional
}

// seal returns the record in s.plain, sealed, until the next use of the scratch.
func (r *Keyring) seal(s *scratch, key string, version int) []byte {
	keys := r.keys.Load()
	out := append(s.sealed[:0], envelopeFormat)
	out = append(binary.BigEndian.AppendUint16(out, uint16(version)), keys.active[:]...)
	s.sealed = keys.aeads[keys.active].Seal(out, nil, s.plain.Bytes(), s.bind(out, key))
	return s.sealed
}

// sealedBy returns the id of the data key in an envelope, or a zero id if it has none.
func sealedBy(sealed []byte) (id dataKeyID) {
	if len(sealed) >= envelopeHeader {
		id = dataKeyID(sealed[3:envelopeHeader])
	}
	return id
}

// open returns a record until the next use of the scratch.
func (r *Keyring) open(s *scratch, key string, sealed []byte) (version int, plain []byte, err error) {
	if len(sealed) == 0 {
		return 0, nil, fmt.Errorf("empty envelope: %w", ErrDecrypt)
	}
	if sealed[0] > envelopeFormat {
		return 0, nil, fmt.Errorf("envelope format is %d, want at most %d: %w", sealed[0], envelopeFormat, ErrNewer)
	}
	if sealed[0] != envelopeFormat || len(sealed) < envelopeHeader+gcmOverhead {
		return 0, nil, fmt.Errorf("malformed envelope: %w", ErrDecrypt)
	}
	id := sealedBy(sealed)
	aead := r.keys.Load().aeads[id]
	if aead == nil {
		return 0, nil, fmt.Errorf("data key %x is not in this store: %w", id[:], ErrDecrypt)
	}
	s.plain.Reset()
	s.plain.Grow(len(sealed))
	plain, err = aead.Open(s.plain.AvailableBuffer(), nil, sealed[envelopeHeader:], s.bind(sealed, key))
	if err != nil {
		return 0, nil, fmt.Errorf("authentication failed: %w", ErrDecrypt)
	}
	return int(binary.BigEndian.Uint16(sealed[1:])), plain, nil
}
