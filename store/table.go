package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"

	"barillet/store/timerule"
)

// Upgrade turns version From of a record into version From+1. Apply gets the record without its type: a struct is a map[any]any whose
// keys are strings or uint64, a time is a uint64 or a float64, another number is an int64 or a uint64. It may change and return what
// it gets.
type Upgrade struct {
	From  int
	Apply func(record any) (any, error)
}

// Table stores records of one type as encrypted, versioned CBOR. An id is a key without the prefix of the table; free
// text in it is escaped. The zero value is unusable. A Table is safe for concurrent use and cheap to copy.
//
// The program contains each method once for each type of record, used or not, because templates call methods by name. So methods have
// pointer receivers, which need no second copy for values, and what few tables need is a function.
type Table[T any] struct{ *table }

// table has what does not depend on the type, so that the program contains it once.
type table struct {
	ring     *Keyring
	kind     TableDef
	upgrades []Upgrade // upgrades[i] is from version i+1
	record   reflect.Type
	times    *timerule.Rule // nil: the records have no times
	shared   *sharedRecords // nil: the table keeps none
	missing  error          // of a record that does not exist
}

// NewTable returns the table of one kind. The upgrades, oldest first, lead from version 1 to the version of the kind.
// NewTable panics if one is missing, or if the kind is not sealed.
func NewTable[T any](ring *Keyring, kind TableDef, upgrades ...Upgrade) Table[T] {
	return Table[T]{newTable(ring, kind, upgrades, reflect.TypeFor[T]())}
}

func newTable(ring *Keyring, kind TableDef, upgrades []Upgrade, record reflect.Type) *table {
	if !kind.Sealed {
		panic(fmt.Sprintf("store: table %s is not sealed", kind.Prefix))
	}
	if err := checkUpgrades(kind, upgrades); err != nil {
		panic("store: " + err.Error())
	}
	t := &table{ring: ring, kind: kind, upgrades: upgrades, record: record, times: timerule.For(record)}
	t.missing = t.readError(ErrNotFound)
	if kind.Shared > 0 {
		t.shared = ring.sharedRecords(kind)
	}
	if t.times != nil {
		ring.addWalk(kind, func(ctx context.Context, s Store) error {
			return t.walk(ctx, s, func(Reader, string, any) (bool, error) { return false, nil }, nil)
		})
	}
	return t
}

// Key returns the full key of an id.
func (t *table) Key(id string) string { return t.kind.Prefix + id }

// Get returns a record, upgraded in memory to the newest version. The error can wrap ErrNotFound, ErrNewer or
// ErrDecrypt.
func (t *Table[T]) Get(r Reader, id string) (T, error) { return valueOf[T](t.get(r, id)) }

// get is Get with a pointer to the record.
func (t *table) get(r Reader, id string) (any, error) {
	sealed, err := t.sealed(r, id)
	if err != nil {
		return nil, err
	}
	v := t.newRecord()
	return v, t.lost(t.decode(id, sealed, v))
}

// sealed returns the stored bytes of a record.
func (t *table) sealed(r Reader, id string) ([]byte, error) {
	sealed, err := r.Get(t.Key(id))
	if err != nil {
		return nil, t.readError(err)
	}
	return sealed, nil
}

// readError returns the error of a read with its table.
func (t *table) readError(err error) error {
	if err == ErrNotFound && t.missing != nil { // often, and the text of an error costs more than the read
		return t.missing
	}
	return fmt.Errorf("reading a record of %s: %w", t.kind.Prefix, err)
}

// lost returns ErrNotFound for an unreadable record of a kind that may be lost.
func (t *table) lost(err error) error {
	if t.kind.Lost && errors.Is(err, ErrUnreadable) {
		return t.missing
	}
	return err
}

// Cached is a record with the bytes from which it was decrypted. The zero value has no record. All readers share the value
// and must not change what it points to.
type Cached[T any] struct{ cached }

type cached struct {
	key    string
	sealed []byte
	value  any // a pointer to the record, which nothing changes
}

// GetCached is like Get, but decrypts the record only if its stored bytes differ from those in kept. Each write uses its
// own nonce, so equal bytes are from the same write of the same record.
func GetCached[T any](t Table[T], r Reader, id string, kept *Cached[T]) (T, error) {
	return valueOf[T](t.getCached(r, id, &kept.cached))
}

// getCached is GetCached with a pointer to the record.
func (t *table) getCached(r Reader, id string, kept *cached) (any, error) {
	key := t.Key(id)
	sealed, err := r.Get(key)
	if err != nil {
		return nil, t.readError(err)
	}
	if kept.key == key && bytes.Equal(kept.sealed, sealed) {
		return kept.value, nil
	}
	v := t.newRecord()
	if err := t.lost(t.decode(id, sealed, v)); err != nil {
		return nil, err
	}
	*kept = cached{key, sealed, v}
	return v, nil
}

// valueOf returns the record to which record points, or the zero value and an error. A method of Table[T] is in the program once for
// each T, so it only converts: the work is in a method of table.
func valueOf[T any](record any, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return *record.(*T), nil
}

// Put writes a record in the newest version.
func (t *Table[T]) Put(tx Tx, id string, v T) error { return t.put(tx, id, v) }

func (t *table) put(tx Tx, id string, v any) error {
	t.shared.forget(id)
	key, s := t.Key(id), scratches.Get().(*scratch)
	defer scratches.Put(s)
	sealed, err := t.sealIn(s, key, v)
	if err != nil {
		return err
	}
	if err := tx.Put(key, sealed); err != nil {
		return fmt.Errorf("writing a record of %s: %w", t.kind.Prefix, err)
	}
	return nil
}

// sealIn returns a record in the newest version, sealed, until the next use of s.
func (t *table) sealIn(s *scratch, key string, v any) ([]byte, error) {
	s.plain.Reset()
	if err := encoder.MarshalToBuffer(v, &s.plain); err != nil {
		return nil, fmt.Errorf("encoding a record of %s: %w", t.kind.Prefix, err)
	}
	return t.ring.seal(s, key, t.kind.Version), nil
}

// Delete removes a record. A missing record is no error.
func (t *table) Delete(tx Tx, id string) error {
	t.shared.forget(id)
	if err := tx.Delete(t.Key(id)); err != nil {
		return fmt.Errorf("deleting a record of %s: %w", t.kind.Prefix, err)
	}
	return nil
}

// Scan is like Snapshot.Scan, for the ids that begin with sub and sort after the id after. fn gets each id and its
// record. Scan skips a record that cannot be read, and does not count it. The keyring reports it (promise D6).
func (t *Table[T]) Scan(s Snapshot, sub, after string, limit int, fn func(id string, v T) error) error {
	return t.scan(s, sub, after, limit, func(id string, v any) error { return fn(id, *v.(*T)) })
}

// ScanBack is like Scan in the opposite order, for the ids that sort before the id before.
func (t *Table[T]) ScanBack(s Snapshot, sub, before string, limit int, fn func(id string, v T) error) error {
	return t.scanIn(s.ScanBack, sub, before, limit, func(id string, v any) error { return fn(id, *v.(*T)) })
}

// scan is Scan with pointers to the records.
func (t *table) scan(s Snapshot, sub, after string, limit int, fn func(id string, v any) error) error {
	return t.scanIn(s.Scan, sub, after, limit, fn)
}

//go:noinline // once in the program, not for each type of record
func (t *table) scanIn(scan scanFunc, sub, from string, limit int, fn func(id string, v any) error) error {
	if from != "" {
		from = t.Key(from)
	}
	seen := 0
	return scan(t.Key(sub), from, 0, func(key string, sealed []byte) error {
		if limit > 0 && seen == limit {
			return ErrStop
		}
		id, v := key[len(t.kind.Prefix):], t.newRecord()
		err := t.decode(id, sealed, v)
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

// newRecord returns a pointer to an empty record.
func (t *table) newRecord() any { return reflect.New(t.record).Interface() }

// ScanIDs is like Scan, without the records. fn also gets the id of a record that cannot be read.
//
//go:noinline // once in the program, not for each type of record
func (t *table) ScanIDs(s Snapshot, sub, after string, fn func(id string) error) error {
	return scanIDs(s.Scan, t.kind.Prefix, sub, after, 0, fn)
}

// decode reads a record with correct times into the record that v points to.
func (t *table) decode(id string, sealed []byte, v any) error {
	_, err := t.open(id, sealed, v)
	return err
}

// open is decode. It reports whether the record had wrong times. The correction is stored after the View or Update.
func (t *table) open(id string, sealed []byte, v any) (corrected bool, err error) {
	err = t.decodeRaw(id, sealed, v)
	if errors.Is(err, ErrUnreadable) {
		t.ring.damage.add(t.kind, id, err)
	}
	if err == nil && t.correct(v) {
		corrected = true
		t.ring.corrections.add(t.Key(id), func(tx Tx) error { return t.storeCorrection(tx, id) })
	}
	return corrected, err
}

// correct corrects the times of a record. It reports whether one was wrong.
func (t *table) correct(v any) bool {
	return t.times != nil && t.ring.now != nil && t.times.Correct(reflect.ValueOf(v).Elem(), t.ring.now().Round(0)) > 0
}

func (t *table) storeCorrection(tx Tx, id string) error {
	sealed, err := t.sealed(tx, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v := t.newRecord()
	if err := t.decodeRaw(id, sealed, v); err != nil || !t.correct(v) {
		return nil // changed since it was read
	}
	return t.put(tx, id, reflect.ValueOf(v).Elem().Interface())
}

// decodeRaw reads a record as it was written, in the newest version, into the record that v points to.
func (t *table) decodeRaw(id string, sealed []byte, v any) error {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	version, plain, err := t.ring.open(s, t.Key(id), sealed)
	if err != nil { // also a format that is not known: the store has the format of this program
		return fmt.Errorf("decrypting a record of %s: %w: %w", t.kind.Prefix, ErrUnreadable, err)
	}
	if plain, err = Upgraded(t.kind, t.upgrades, version, plain); err != nil {
		return err
	}
	if err := decode(plain, v, t.times); err != nil {
		return fmt.Errorf("decoding a record of %s: %w: %w", t.kind.Prefix, ErrUnreadable, err)
	}
	return nil
}

// Upgraded returns a record of an older version in the newest version of the kind, both as Encode returns them. The error wraps
// ErrNewer if the record is newer than that.
func Upgraded(kind TableDef, upgrades []Upgrade, version int, plain []byte) ([]byte, error) {
	if version > kind.Version {
		return nil, fmt.Errorf("record of %s has version %d, want at most %d: %w", kind.Prefix, version, kind.Version, ErrNewer)
	}
	if version < 1 {
		return nil, fmt.Errorf("record of %s has version %d", kind.Prefix, version)
	}
	if err := checkUpgrades(kind, upgrades); err != nil {
		return nil, err
	}
	if version == kind.Version {
		return plain, nil
	}
	var record any
	if err := Decode(plain, &record); err != nil {
		return nil, fmt.Errorf("upgrading a record of %s: %w: %w", kind.Prefix, ErrUnreadable, err)
	}
	for _, up := range upgrades[version-1:] {
		var err error
		if record, err = up.Apply(record); err != nil {
			return nil, fmt.Errorf("upgrading a record of %s from version %d: %w", kind.Prefix, up.From, err)
		}
	}
	return Encode(record)
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
