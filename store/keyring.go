package store

import (
	"container/list"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Format is the store format that this program writes. The program does not open a newer one (promise D9). Formats 1 and 2 were
// never released: their records were JSON, and CBOR with names and with times as text.
const Format = 3

var (
	// ErrNewer is wrapped by the error for a store or a record that a newer program wrote.
	ErrNewer = errors.New("written by a newer version of the program")
	// ErrWrongKey is wrapped by the error for a store that was made with the keys of another key file.
	ErrWrongKey = errors.New("key file does not belong to this store")
)

const (
	formatKey  = "meta/format"
	demoKey    = "meta/demo"
	dataPrefix = "meta/datakey/"
)

// Keyring encrypts and decrypts records with the data keys of one store. It is safe for concurrent use.
type Keyring struct {
	active dataKeyID
	aeads  map[dataKeyID]cipher.AEAD // built once: the key schedule costs more than the encryption of a small record

	now         func() time.Time // nil: the times of records are not corrected
	corrections corrections
	damage      damagedRecords
	walking     sync.Mutex
	walks       map[string]func(context.Context, Store) error // by prefix of a table, for CorrectAll
	shared      map[string]*sharedRecords                     // by prefix of a table
}

// sharedRecords returns what the tables of a kind share.
func (r *Keyring) sharedRecords(kind TableDef) *sharedRecords {
	r.walking.Lock()
	defer r.walking.Unlock()
	if r.shared == nil {
		r.shared = map[string]*sharedRecords{}
	}
	if r.shared[kind.Prefix] == nil {
		r.shared[kind.Prefix] = &sharedRecords{most: kind.Shared, byID: map[string]*list.Element{}}
	}
	return r.shared[kind.Prefix]
}

// addWalk adds the walk through a table. The table of a second owner has the same records.
func (r *Keyring) addWalk(kind TableDef, walk func(context.Context, Store) error) {
	r.walking.Lock()
	defer r.walking.Unlock()
	if r.walks == nil {
		r.walks = map[string]func(context.Context, Store) error{}
	}
	r.walks[kind.Prefix] = walk
}

type dataKeyID [8]byte

// header is the record meta/format. It is in clear, so that it can be read with a wrong key. It contains no secret.
type header struct {
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	Master  string    `json:"master"` // id of the key that encrypts the data keys
	Pepper  string    `json:"pepper"` // id
	Active  string    `json:"active"` // id of the data key that encrypts new records
}

// OpenKeyring returns the data keys of a store. In an empty store it first writes the format, the creation time now and
// a first data key. The error wraps ErrWrongKey if the store was made with other root keys, and ErrNewer if its format
// is newer than Format.
func OpenKeyring(ctx context.Context, s Store, keys RootKeys, now time.Time) (*Keyring, error) {
	if keys.Master.key == nil || keys.Pepper.key == nil {
		return nil, errors.New("opening the store: root keys are not set")
	}
	empty, err := Empty(ctx, s)
	if err != nil {
		return nil, err
	}
	if empty {
		if err := initialize(ctx, s, keys, now); err != nil {
			return nil, fmt.Errorf("initializing the store: %w", err)
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

// Empty reports whether the store has no records.
func Empty(ctx context.Context, s Store) (bool, error) {
	empty := true
	err := s.View(ctx, func(snap Snapshot) error {
		return snap.Scan("", "", 1, func(string, []byte) error {
			empty = false
			return ErrStop
		})
	})
	if err != nil {
		return false, fmt.Errorf("checking whether the store is empty: %w", err)
	}
	return empty, nil
}

// MarkDemo marks the store permanently as sample data of the demonstration.
func MarkDemo(ctx context.Context, s Store) error {
	err := s.Update(ctx, func(tx Tx) error { return tx.Put(demoKey, []byte("demo")) })
	if err != nil {
		return fmt.Errorf("marking the store as a demonstration: %w", err)
	}
	return nil
}

// IsDemo reports whether MarkDemo marked the store.
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
		return false, fmt.Errorf("checking whether the store is a demonstration: %w", err)
	}
	return is, nil
}

// initialize writes the first records of an empty store. It changes nothing if another process wrote them meanwhile.
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
		return nil, errors.New("format record is missing: not a Barillet store, or a damaged one")
	}
	if err != nil {
		return nil, err
	}
	var head header
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("reading the format record: %w", err)
	}
	switch {
	case head.Format > Format:
		return nil, fmt.Errorf("format is %d, want at most %d: %w", head.Format, Format, ErrNewer)
	case head.Format < Format:
		return nil, fmt.Errorf("format is %d, want %d: made by an unreleased version of the program, which no release can read", head.Format, Format)
	case head.Master != keys.Master.ID():
		return nil, fmt.Errorf("store has master key %s, key file has %s: %w", head.Master, keys.Master.ID(), ErrWrongKey)
	case head.Pepper != keys.Pepper.ID():
		return nil, fmt.Errorf("store has pepper %s, key file has %s: %w", head.Pepper, keys.Pepper.ID(), ErrWrongKey)
	}
	ring := &Keyring{aeads: make(map[dataKeyID]cipher.AEAD)}
	if ring.active, err = parseDataKeyID(head.Active); err != nil {
		return nil, err
	}
	if err := ring.unwrap(snap, keys.Master); err != nil {
		return nil, err
	}
	if ring.aeads[ring.active] == nil {
		return nil, fmt.Errorf("data key %s is missing", head.Active)
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
			return fmt.Errorf("data key %s cannot be decrypted with the master key: %w", key[len(dataPrefix):], ErrWrongKey)
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

// newAEAD returns AES-256-GCM that puts a random nonce before the ciphertext (NIST SP 800-38D §8.2.2).
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
