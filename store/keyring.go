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
	"sync/atomic"
	"time"

	"barillet/store/rootkeys"
)

// Format is the store format that this program writes. The program does not open a newer one (promise D9). Formats 1 and 2 were
// never released: their records were JSON, and CBOR with names and with times as text.
const Format = 3

var (
	// ErrNewer is wrapped by the error for a store or a record that a newer program wrote.
	ErrNewer = rootkeys.ErrNewer
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
	keys    atomic.Pointer[dataKeys]
	changes sync.Mutex // held by the one that changes the data keys or their wrapping
	updates runningUpdates

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

// dataKeys are the data keys of a keyring at one moment. Nothing changes them.
type dataKeys struct {
	active dataKeyID
	aeads  map[dataKeyID]cipher.AEAD // built once: the key schedule costs more than the encryption of a small record
}

// header is the record meta/format. It is in clear, so that it can be read with a wrong key. It contains no secret.
type header struct {
	Format    int       `json:"format"`
	Created   time.Time `json:"created"`
	Master    string    `json:"master"`              // id of the key that encrypts the data keys
	Pepper    string    `json:"pepper"`              // id
	Active    string    `json:"active"`              // id of the data key that encrypts new records
	Since     time.Time `json:"since,omitzero"`      // when Active was made; zero: Created
	Passwords string    `json:"passwords,omitempty"` // id of the pepper that hashes new passwords; empty: Pepper
	Wrapped   time.Time `json:"wrapped,omitzero"`    // when Master wrapped the data keys first; zero: Created
}

// OpenKeyring returns the data keys of a store. In an empty store it first writes the format, the creation time now and
// a first data key. The error wraps ErrWrongKey if the store was made with other root keys, and ErrNewer if its format
// is newer than Format.
func OpenKeyring(ctx context.Context, s Store, keys RootKeys, now time.Time) (*Keyring, error) {
	if keys.Master.IsZero() || keys.Pepper.IsZero() {
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
	var data [32]byte
	rand.Read(id[:])
	rand.Read(data[:])
	name := hex.EncodeToString(id[:])
	wrapped, err := wrap(keys.Master, name, data[:])
	if err != nil {
		return err
	}
	head := header{Format: Format, Created: now.UTC(), Master: keys.Master.ID(), Pepper: keys.Pepper.ID(), Active: name}
	return s.Update(ctx, func(tx Tx) error {
		if _, err := tx.Get(formatKey); !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := tx.Put(dataPrefix+name, wrapped); err != nil {
			return err
		}
		return head.put(tx)
	})
}

func load(snap Snapshot, keys RootKeys) (*Keyring, error) {
	head, err := readHeader(snap)
	if err != nil {
		return nil, err
	}
	master := keys.MasterOf(head.Master)
	switch {
	case head.Format > Format:
		return nil, fmt.Errorf("format is %d, want at most %d: %w", head.Format, Format, ErrNewer)
	case head.Format < Format:
		return nil, fmt.Errorf("format is %d, want %d: made by an unreleased version of the program, which no release can read", head.Format, Format)
	case master.IsZero():
		return nil, fmt.Errorf("store has master key %s, key file has %s: %w", head.Master, keys.Master.ID(), ErrWrongKey)
	case head.Pepper != keys.Pepper.ID():
		return nil, fmt.Errorf("store has pepper %s, key file has %s: %w", head.Pepper, keys.Pepper.ID(), ErrWrongKey)
	}
	all := &dataKeys{aeads: make(map[dataKeyID]cipher.AEAD)}
	if all.active, err = parseDataKeyID(head.Active); err != nil {
		return nil, err
	}
	if err := all.unwrap(snap, master); err != nil {
		return nil, err
	}
	if all.aeads[all.active] == nil {
		return nil, fmt.Errorf("data key %s is missing", head.Active)
	}
	ring := new(Keyring)
	ring.keys.Store(all)
	return ring, nil
}

func readHeader(r Reader) (header, error) {
	var head header
	raw, err := r.Get(formatKey)
	if errors.Is(err, ErrNotFound) {
		return head, errors.New("format record is missing: not a Barillet store, or a damaged one")
	}
	if err != nil {
		return head, err
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return head, fmt.Errorf("reading the format record: %w", err)
	}
	return head, nil
}

func (h header) put(tx Tx) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return tx.Put(formatKey, raw)
}

func (k *dataKeys) unwrap(snap Snapshot, master MasterKey) error {
	return snap.Scan(dataPrefix, "", 0, func(key string, wrapped []byte) error {
		id, err := parseDataKeyID(key[len(dataPrefix):])
		if err != nil {
			return err
		}
		data, err := unwrap(master, key[len(dataPrefix):], wrapped)
		if err != nil {
			return err
		}
		k.aeads[id], err = newAEAD(data)
		return err
	})
}

// wrap returns the record of a data key.
func wrap(master MasterKey, name string, data []byte) ([]byte, error) {
	wrapping, err := master.AEAD()
	if err != nil {
		return nil, err
	}
	return wrapping.Seal(nil, nil, data, []byte(dataPrefix+name)), nil
}

func unwrap(master MasterKey, name string, wrapped []byte) ([]byte, error) {
	wrapping, err := master.AEAD()
	if err != nil {
		return nil, err
	}
	data, err := wrapping.Open(nil, nil, wrapped, []byte(dataPrefix+name))
	if err != nil {
		return nil, fmt.Errorf("data key %s cannot be decrypted with the master key: %w", name, ErrWrongKey)
	}
	return data, nil
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
