package store

import (
	"fmt"
	"strings"
)

// IndexReport is the result of a comparison of one index with the records that it finds.
type IndexReport struct {
	Name    string // of its table, without a slash
	Entries int
	Missing int // entries that a record should have
	Wrong   int // entries that no record should have
}

// NewIndexReport returns the report of an index before the comparison.
func NewIndexReport(kind TableDef) IndexReport {
	return IndexReport{Name: strings.TrimSuffix(kind.Prefix, "/")}
}

// Index is a table whose entries consist of a key. They are not sealed, so a reader that finds a sealed record by an entry compares
// the two. The zero value is unusable.
type Index struct{ kind TableDef }

// indexed is the value of each entry: a value has at least one byte.
var indexed = []byte{1}

// NewIndex returns the index of one kind. It panics if the kind is sealed.
func NewIndex(kind TableDef) Index {
	if kind.Sealed {
		panic(fmt.Sprintf("store: index %s is sealed", kind.Prefix))
	}
	return Index{kind}
}

// Key returns the full key of an id.
func (x Index) Key(id string) string { return x.kind.Prefix + id }

// Put adds an entry.
func (x Index) Put(tx Tx, id string) error {
	if err := tx.Put(x.Key(id), indexed); err != nil {
		return fmt.Errorf("adding to the index %s: %w", x.kind.Prefix, err)
	}
	return nil
}

// Delete removes an entry. A missing one is no error.
func (x Index) Delete(tx Tx, id string) error {
	if err := tx.Delete(x.Key(id)); err != nil {
		return fmt.Errorf("deleting from the index %s: %w", x.kind.Prefix, err)
	}
	return nil
}

// Scan is like Snapshot.Scan, for the ids that begin with sub and sort after the id after.
func (x Index) Scan(s Snapshot, sub, after string, limit int, fn func(id string) error) error {
	return scanIDs(s.Scan, x.kind.Prefix, sub, after, limit, fn)
}

// ScanBack is like Snapshot.ScanBack, for the ids that begin with sub and sort before the id before.
func (x Index) ScanBack(s Snapshot, sub, before string, limit int, fn func(id string) error) error {
	return scanIDs(s.ScanBack, x.kind.Prefix, sub, before, limit, fn)
}

// scanFunc is Snapshot.Scan or Snapshot.ScanBack.
type scanFunc func(prefix, from string, limit int, fn func(key string, value []byte) error) error

func scanIDs(scan scanFunc, prefix, sub, from string, limit int, fn func(id string) error) error {
	if from != "" {
		from = prefix + from
	}
	return scan(prefix+sub, from, limit, func(key string, _ []byte) error { return fn(key[len(prefix):]) })
}
