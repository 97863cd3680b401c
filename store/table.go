package store

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Upgrade turns the JSON of version From of a record into that of version From+1.
type Upgrade struct {
	From  int
	Apply func(json.RawMessage) (json.RawMessage, error)
}

// Table gives the keys of one kind a type: records are JSON in a sealed, versioned envelope. Ids are keys
// without the prefix of the table, free text in them escaped. The zero value is unusable; a Table is safe
// for concurrent use and cheap to copy.
type Table[T any] struct {
	ring     *Keyring
	kind     TableDef
	upgrades []Upgrade // upgrades[i] is from version i+1
}

// NewTable returns the table of one kind. The upgrades, oldest first, must lead from version 1 to the kind's
// version without a gap; it panics otherwise, and on a kind that is not sealed.
func NewTable[T any](ring *Keyring, kind TableDef, upgrades ...Upgrade) Table[T] {
	if !kind.Sealed {
		panic(fmt.Sprintf("store: table %s is not sealed", kind.Prefix))
	}
	if err := checkUpgrades(kind, upgrades); err != nil {
		panic("store: " + err.Error())
	}
	return Table[T]{ring, kind, upgrades}
}

// Key is the full key of an id.
func (t Table[T]) Key(id string) string { return t.kind.Prefix + id }

// Get reads one record, upgraded in memory to the newest version. The error wraps ErrNotFound, ErrNewer or
// ErrDecrypt where it is one of these.
func (t Table[T]) Get(r Reader, id string) (T, error) {
	var none T
	sealed, err := r.Get(t.Key(id))
	if err != nil {
		return none, fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, err)
	}
	return t.decode(id, sealed)
}

// Cached is a record as it was read, with the bytes that it was opened from. The zero value holds none. Its value is
// shared by whoever reads it: what it points to is not to be changed.
type Cached[T any] struct {
	key    string
	sealed []byte
	value  T
}

// GetCached is Get for a record that was probably read before: it is opened once more only if other bytes stand there
// now. Each sealing has its own nonce, so equal bytes are the same write of the same record.
func (t Table[T]) GetCached(r Reader, id string, kept *Cached[T]) (T, error) {
	key := t.Key(id)
	sealed, err := r.Get(key)
	if err != nil {
		var none T
		return none, fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, err)
	}
	if kept.key == key && bytes.Equal(kept.sealed, sealed) {
		return kept.value, nil
	}
	v, err := t.decode(id, sealed)
	if err == nil {
		*kept = Cached[T]{key, sealed, v}
	}
	return v, err
}

// Put writes one record in the newest version.
func (t Table[T]) Put(tx Tx, id string, v T) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding a record of %s: %w", t.kind.Prefix, err)
	}
	key := t.Key(id)
	if err := tx.Put(key, t.ring.seal(key, t.kind.Version, plain)); err != nil {
		return fmt.Errorf("writing a record of %s: %w", t.kind.Prefix, err)
	}
	return nil
}

// Delete removes one record; a missing one is no error.
func (t Table[T]) Delete(tx Tx, id string) error {
	if err := tx.Delete(t.Key(id)); err != nil {
		return fmt.Errorf("deleting a record of %s: %w", t.kind.Prefix, err)
	}
	return nil
}

// Scan calls fn for the ids that begin with sub (empty: all) and sort bytewise after the id after (empty:
// from the first), at most limit of them (0: all), until fn errs; ErrStop ends it without an error.
func (t Table[T]) Scan(s Snapshot, sub, after string, limit int, fn func(id string, v T) error) error {
	if after != "" {
		after = t.Key(after)
	}
	return s.Scan(t.Key(sub), after, limit, func(key string, sealed []byte) error {
		id := key[len(t.kind.Prefix):]
		v, err := t.decode(id, sealed)
		if err != nil {
			return err
		}
		return fn(id, v)
	})
}

func (t Table[T]) decode(id string, sealed []byte) (T, error) {
	var v, none T
	version, plain, err := t.ring.open(t.Key(id), sealed)
	if err != nil {
		return none, fmt.Errorf("opening a record of %s: %w", t.kind.Prefix, err)
	}
	if plain, err = Upgraded(t.kind, t.upgrades, version, plain); err != nil {
		return none, err
	}
	if err := json.Unmarshal(plain, &v); err != nil {
		return none, fmt.Errorf("decoding a record of %s: %w", t.kind.Prefix, err)
	}
	return v, nil
}

// Upgraded leads the JSON of a record from the version it was written in to the kind's newest. The error
// wraps ErrNewer for a version beyond that.
func Upgraded(kind TableDef, upgrades []Upgrade, version int, raw json.RawMessage) (json.RawMessage, error) {
	if version > kind.Version {
		return nil, fmt.Errorf("record of %s has version %d, known up to %d: %w", kind.Prefix, version, kind.Version, ErrNewer)
	}
	if version < 1 {
		return nil, fmt.Errorf("record of %s has version %d", kind.Prefix, version)
	}
	if err := checkUpgrades(kind, upgrades); err != nil {
		return nil, err
	}
	for _, up := range upgrades[version-1:] {
		var err error
		if raw, err = up.Apply(raw); err != nil {
			return nil, fmt.Errorf("upgrading a record of %s from version %d: %w", kind.Prefix, up.From, err)
		}
	}
	return raw, nil
}

func checkUpgrades(kind TableDef, upgrades []Upgrade) error {
	if len(upgrades) != kind.Version-1 {
		return fmt.Errorf("table %s is of version %d and has %d upgrades", kind.Prefix, kind.Version, len(upgrades))
	}
	for i, up := range upgrades {
		if up.From != i+1 {
			return fmt.Errorf("upgrade %d of table %s is from version %d, want %d", i, kind.Prefix, up.From, i+1)
		}
	}
	return nil
}
