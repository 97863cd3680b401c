package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Format is the store format that this program writes. It opens this one and refuses newer ones.
const Format = 1

var (
	// ErrNewer wraps the refusal of a store or record that a newer program wrote.
	ErrNewer = errors.New("written by a newer version of the program")
	// ErrWrongKey wraps the refusal of a store that belongs to other keys than those of the key file.
	ErrWrongKey = errors.New("key file does not belong to this store")
)

const (
	formatKey  = "meta/format"
	demoKey    = "meta/demo"
	dataPrefix = "meta/datakey/"
)

// Keyring seals and opens records with the data keys of one store. It is safe for concurrent use.
type Keyring struct {
	active dataKeyID
	aeads  map[dataKeyID]cipher.AEAD // built once: the key schedule costs more than sealing a small record
}

type dataKeyID [8]byte

// header is the record meta/format, in clear: it holds no secret and must be readable with a wrong key.
type header struct {
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	Master  string    `json:"master"` // id of the key that wraps the data keys
	Pepper  string    `json:"pepper"` // id
	Active  string    `json:"active"` // id of the data key that seals new records
}

// OpenKeyring reads the data key of the store with the keys of the house, or founds an empty store: its
// format, creation time (now) and first data key. The error wraps ErrWrongKey when the store belongs to other
// keys, ErrNewer when its format is newer.
func OpenKeyring(ctx context.Context, s Store, keys RootKeys, now time.Time) (*Keyring, error) {
	if keys.Master.key == nil || keys.Pepper.key == nil {
		return nil, errors.New("opening the store: no keys of the house given")
	}
	empty, err := Empty(ctx, s)
	if err != nil {
		return nil, err
	}
	if empty {
		if err := initialize(ctx, s, keys, now); err != nil {
			return nil, fmt.Errorf("founding the store: %w", err)
		}
	}
	var ring *Keyring
	err = s.View(ctx, func(snap Snapshot) (err error) {
		ring, err = load(snap, keys)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return ring, nil
}

// Empty tells whether nothing was ever written to the store.
func Empty(ctx context.Context, s Store) (bool, error) {
	empty := true
	err := s.View(ctx, func(snap Snapshot) error {
		return snap.Scan("", "", 1, func(string, []byte) error {
			empty = false
			return ErrStop
		})
	})
	if err != nil {
		return false, fmt.Errorf("looking whether the store is empty: %w", err)
	}
	return empty, nil
}

// MarkDemo marks the store as the sample garage of the demonstration, for ever.
func MarkDemo(ctx context.Context, s Store) error {
	err := s.Update(ctx, func(tx Tx) error { return tx.Put(demoKey, []byte("demo")) })
	if err != nil {
		return fmt.Errorf("marking the store as a demonstration: %w", err)
	}
	return nil
}

// IsDemo tells whether the store was marked by MarkDemo.
func IsDemo(ctx context.Context, s Store) (bool, error) {
	var is bool
	err := s.View(ctx, func(snap Snapshot) error {
		_, err := snap.Get(demoKey)
		is = err == nil
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking whether the store is a demonstration: %w", err)
	}
	return is, nil
}

// initialize writes the first records, unless somebody else has founded the store since: then it leaves them.
func initialize(ctx context.Context, s Store, keys RootKeys, now time.Time) error {
	var id dataKeyID
	var data [keySize]byte
	rand.Read(id[:])
	rand.Read(data[:])
	name := hex.EncodeToString(id[:])
	wrapping, err := newAEAD(keys.Master.key[:])
	if err != nil {
		return err
	}
	wrapped := wrapping.Seal(nil, nil, data[:], []byte(dataPrefix+name))
	head, err := json.Marshal(header{
		Format: Format, Created: now.UTC(), Master: keys.Master.ID(), Pepper: keys.Pepper.ID(), Active: name,
	})
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx Tx) error {
		if _, err := tx.Get(formatKey); !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.Put(dataPrefix+name, wrapped); err != nil {
			return err
		}
		return tx.Put(formatKey, head)
	})
}

func load(snap Snapshot, keys RootKeys) (*Keyring, error) {
	raw, err := snap.Get(formatKey)
	if errors.Is(err, ErrNotFound) {
		return nil, errors.New("it holds records but no format record: not a store of this program, or a damaged one")
	}
	if err != nil {
		return nil, err
	}
	var head header
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("reading its format record: %w", err)
	}
	switch {
	case head.Format > Format:
		return nil, fmt.Errorf("its format is %d, this program knows up to %d: %w", head.Format, Format, ErrNewer)
	case head.Format < 1:
		return nil, fmt.Errorf("its format record names format %d", head.Format)
	case head.Master != keys.Master.ID():
		return nil, fmt.Errorf("it was sealed under master key %s, the key file holds %s: %w", head.Master, keys.Master.ID(), ErrWrongKey)
	case head.Pepper != keys.Pepper.ID():
		return nil, fmt.Errorf("it was written with pepper %s, the key file holds %s: %w", head.Pepper, keys.Pepper.ID(), ErrWrongKey)
	}
	ring := &Keyring{aeads: make(map[dataKeyID]cipher.AEAD)}
	if ring.active, err = parseDataKeyID(head.Active); err != nil {
		return nil, err
	}
	if err := ring.unwrap(snap, keys.Master); err != nil {
		return nil, err
	}
	if ring.aeads[ring.active] == nil {
		return nil, fmt.Errorf("its data key %s is missing", head.Active)
	}
	return ring, nil
}

func (r *Keyring) unwrap(snap Snapshot, master MasterKey) error {
	wrapping, err := newAEAD(master.key[:])
	if err != nil {
		return err
	}
	return snap.Scan(dataPrefix, "", 0, func(key string, wrapped []byte) error {
		id, err := parseDataKeyID(key[len(dataPrefix):])
		if err != nil {
			return err
		}
		data, err := wrapping.Open(nil, nil, wrapped, []byte(key))
		if err != nil {
			return fmt.Errorf("data key %s does not open under the master key: %w", key[len(dataPrefix):], ErrWrongKey)
		}
		r.aeads[id], err = newAEAD(data)
		return err
	})
}

func parseDataKeyID(name string) (dataKeyID, error) {
	var id dataKeyID
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("data key id %q is not 16 hex digits", name)
	}
	copy(id[:], raw)
	return id, nil
}

// newAEAD is AES-256-GCM with a random nonce (NIST SP 800-38D section 8.2.2) in front of the ciphertext.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
