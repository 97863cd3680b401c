package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Upgrade turns the JSON of version From of a record into that of version From+1.
type Upgrade struct {
	From  int
	Apply func(json.RawMessage) (json.RawMessage, error)
}

// Table stores records of one type as encrypted, versioned JSON. An id is a key without the prefix of the table; free
// text in it is escaped. The zero value is unusable. A Table is safe for concurrent use and cheap to copy.
type Table[T any] struct {
	ring     *Keyring
	kind     TableDef
	upgrades []Upgrade // upgrades[i] is from version i+1
	times    *timeRule // nil: the records have no times
}

// NewTable returns the table of one kind. The upgrades, oldest first, lead from version 1 to the version of the kind.
// NewTable panics if one is missing, or if the kind is not sealed.
func NewTable[T any](ring *Keyring, kind TableDef, upgrades ...Upgrade) Table[T] {
	if !kind.Sealed {
		panic(fmt.Sprintf("store: table %s is not sealed", kind.Prefix))
	}
	if err := checkUpgrades(kind, upgrades); err != nil {
		panic("store: " + err.Error())
	}
	t := Table[T]{ring, kind, upgrades, timeRuleFor(reflect.TypeFor[T]())}
	if t.times != nil {
		ring.addWalk(kind, func(ctx context.Context, s Store) error {
			return Walk(ctx, s, t, func(Reader, string, T) (bool, error) { return false, nil }, nil)
		})
	}
	return t
}

// Key returns the full key of an id.
func (t Table[T]) Key(id string) string { return t.kind.Prefix + id }

// Get returns a record, upgraded in memory to the newest version. The error can wrap ErrNotFound, ErrNewer or
// ErrDecrypt.
func (t Table[T]) Get(r Reader, id string) (T, error) {
	var none T
	sealed, err := r.Get(t.Key(id))
	if err != nil {
		return none, fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, err)
	}
	v, err := t.decode(id, sealed)
	return v, t.lost(err)
}

// lost returns ErrNotFound for an unreadable record of a kind that may be lost.
func (t Table[T]) lost(err error) error {
	if t.kind.Lost && errors.Is(err, ErrUnreadable) {
		return fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, ErrNotFound)
	}
	return err
}

// Cached is a record with the bytes from which it was decrypted. The zero value has no record. All readers share the value
// and must not change what it points to.
type Cached[T any] struct {
	key    string
	sealed []byte
	value  T
}

// GetCached is like Get, but decrypts the record only if its stored bytes differ from those in kept. Each write uses its
// own nonce, so equal bytes are from the same write of the same record.
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
	return v, t.lost(err)
}

// Put writes a record in the newest version.
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

// Delete removes a record. A missing record is no error.
func (t Table[T]) Delete(tx Tx, id string) error {
	if err := tx.Delete(t.Key(id)); err != nil {
		return fmt.Errorf("deleting a record of %s: %w", t.kind.Prefix, err)
	}
	return nil
}

// Scan is like Snapshot.Scan, for the ids that begin with sub and sort after the id after. fn gets each id and its
// record. Scan skips a record that cannot be read, and does not count it. The keyring reports it (promise D6).
func (t Table[T]) Scan(s Snapshot, sub, after string, limit int, fn func(id string, v T) error) error {
	if after != "" {
		after = t.Key(after)
	}
	seen := 0
	return s.Scan(t.Key(sub), after, 0, func(key string, sealed []byte) error {
		if limit > 0 && seen == limit {
			return ErrStop
		}
		id := key[len(t.kind.Prefix):]
		v, err := t.decode(id, sealed)
		if errors.Is(err, ErrUnreadable) {
			return nil
		}
		if err != nil {
			return err
		}
		seen++
		return fn(id, v)
	})
}

// ScanIDs is like Scan, without the records. fn also gets the id of a record that cannot be read.
func (t Table[T]) ScanIDs(s Snapshot, sub, after string, fn func(id string) error) error {
	if after != "" {
		after = t.Key(after)
	}
	return s.Scan(t.Key(sub), after, 0, func(key string, _ []byte) error { return fn(key[len(t.kind.Prefix):]) })
}

// decode returns a record with correct times. If it had wrong ones, the correction is stored after the View or Update.
func (t Table[T]) decode(id string, sealed []byte) (T, error) {
	v, err := t.decodeRaw(id, sealed)
	if errors.Is(err, ErrUnreadable) {
		t.ring.damage.add(t.kind, id, err)
	}
	if err != nil {
		var none T
		return none, err
	}
	if t.correct(v) {
		t.ring.corrections.add(t.Key(id), func(tx Tx) error { return t.storeCorrection(tx, id) })
	}
	return *v, nil
}

// correct corrects the times of a record. It reports whether one was wrong.
func (t Table[T]) correct(v *T) bool {
	return t.times != nil && t.ring.now != nil && t.times.correct(reflect.ValueOf(v).Elem(), t.ring.now().Round(0)) > 0
}

func (t Table[T]) storeCorrection(tx Tx, id string) error {
	sealed, err := tx.Get(t.Key(id))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, err)
	}
	v, err := t.decodeRaw(id, sealed)
	if err != nil || !t.correct(v) {
		return nil // changed since it was read
	}
	return t.Put(tx, id, *v)
}

// decodeRaw returns a record as it was written, in the newest version.
func (t Table[T]) decodeRaw(id string, sealed []byte) (*T, error) {
	version, plain, err := t.ring.open(t.Key(id), sealed)
	if err != nil { // also a format that is not known: the store has the format of this program
		return nil, fmt.Errorf("decrypting a record of %s: %w: %w", t.kind.Prefix, ErrUnreadable, err)
	}
	if plain, err = Upgraded(t.kind, t.upgrades, version, plain); err != nil {
		return nil, err
	}
	v := new(T)
	if d, ok := any(v).(Decoder); ok {
		if d.DecodeRecord(plain) {
			return v, nil
		}
		v = new(T)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return nil, fmt.Errorf("decoding a record of %s: %w: %w", t.kind.Prefix, ErrUnreadable, err)
	}
	return v, nil
}

// Upgraded returns the JSON of a record of an older version in the newest version of the kind. The error wraps ErrNewer
// if the record is newer than that.
func Upgraded(kind TableDef, upgrades []Upgrade, version int, raw json.RawMessage) (json.RawMessage, error) {
	if version > kind.Version {
		return nil, fmt.Errorf("record of %s has version %d, want at most %d: %w", kind.Prefix, version, kind.Version, ErrNewer)
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
		return fmt.Errorf("table %s has version %d and %d upgrades", kind.Prefix, kind.Version, len(upgrades))
	}
	for i, up := range upgrades {
		if up.From != i+1 {
			return fmt.Errorf("upgrade %d of table %s is from version %d, want %d", i, kind.Prefix, up.From, i+1)
		}
	}
	return nil
}
