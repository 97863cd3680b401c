package authntest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"barillet/authn/authntest"
)

// tableSize is what the records of one table have in the file.
type tableSize struct{ records, keys, values int }

// tableSizes returns the size of each table of a closed store, by its name, and the pages of the file.
func tableSizes(t testing.TB, dir string) (map[string]*tableSize, bbolt.BucketStats) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, "barillet.db"), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sizes := map[string]*tableSize{}
	var pages bbolt.BucketStats
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
			pages.Add(bucket.Stats())
			return bucket.ForEach(func(k, v []byte) error {
				name, _, _ := strings.Cut(string(k), "/")
				if sizes[name] == nil {
					sizes[name] = &tableSize{}
				}
				s := sizes[name]
				s.records, s.keys, s.values = s.records+1, s.keys+len(k), s.values+len(v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes, pages
}

// BenchmarkRecordSizes states the bytes of keys and values in each table for each of PEOPLE users, and for each of EVENTS audit
// events, and what the pages of the file have for a user and for an event.
func BenchmarkRecordSizes(b *testing.B) {
	size := authntest.Size{People: number(b, "PEOPLE", 20_000), Events: number(b, "EVENTS", 40_000)}
	size.Groups = max(30, size.People*3/1000)
	for b.Loop() {
		dir := b.TempDir()
		seeded := authntest.Seed(b, dir, size, b.Logf)
		sizes, pages := tableSizes(b, dir)
		for name, s := range sizes {
			of, unit := size.People, "/user"
			if strings.HasPrefix(name, "audit") {
				of, unit = size.Events, "/event"
			}
			b.Logf("%-14s %7.3f records%s, each with a key of %4d and a value of %5d bytes: %7.1f bytes%s", name, float64(s.records)/float64(of), unit,
				s.keys/s.records, s.values/s.records, float64(s.keys+s.values)/float64(of), unit)
			b.ReportMetric(float64(s.keys+s.values)/float64(of), name+"-B"+unit)
		}
		user, event := seeded.Growth()
		b.ReportMetric(user, "B/user")
		b.ReportMetric(event, "B/event")
		b.ReportMetric(float64(pages.LeafOverflowN), "overflow-pages")
		b.ReportMetric(100*float64(pages.LeafInuse)/float64(pages.LeafAlloc), "fill-%")
	}
}
