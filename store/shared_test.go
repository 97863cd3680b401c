package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"barillet/store"
)

// visitor is a record with times of both kinds.
type visitor struct {
	Name  string    `json:"name"`
	Seen  time.Time `json:"seen"`
	Until time.Time `json:"until" since:"Seen"`
	Since []time.Time
	Next  *step
}

// memory is a store in memory, in which a test can do what no program does.
type memory map[string][]byte

func (m memory) Get(key string) ([]byte, error) {
	if value, ok := m[key]; ok {
		return bytes.Clone(value), nil
	}
	return nil, store.ErrNotFound
}

func (m memory) Put(key string, value []byte) error { m[key] = bytes.Clone(value); return nil }
func (m memory) Delete(key string) error            { delete(m, key); return nil }

// sharedWorld compares what GetShared and Get return, in a history of a store.
type sharedWorld struct {
	t      *testing.T
	random *rand.Rand
	clock  time.Time
	tables []store.Table[visitor] // a table that may be lost, and one that may not
	other  store.Table[visitor]   // with the data key of another keyring

	present memory
	backups []memory
	open    []memory // Updates that run now, and may be rolled back
	reads   int
}

func (w *sharedWorld) id() string { return fmt.Sprint("r", w.random.IntN(4)) }

func (w *sharedWorld) table() *store.Table[visitor] { return &w.tables[w.random.IntN(len(w.tables))] }

func (w *sharedWorld) time() time.Time {
	return w.clock.Add(time.Duration(w.random.IntN(5)-2) * []time.Duration{time.Second, time.Hour, 20 * time.Hour}[w.random.IntN(3)])
}

func (w *sharedWorld) record() visitor {
	v := visitor{Name: fmt.Sprint(w.random.IntN(3)), Seen: w.time(), Until: w.time(), Since: []time.Time{w.time()}}
	if w.random.IntN(2) == 0 {
		v.Next = &step{At: w.time()}
	}
	return v
}

func (w *sharedWorld) do() {
	at := w.present
	if len(w.open) > 0 && w.random.IntN(2) == 0 {
		at = w.open[w.random.IntN(len(w.open))]
	}
	switch w.random.IntN(16) {
	case 0, 1:
		w.check(w.table().Put(at, w.id(), w.record()))
	case 2:
		w.check(w.table().Delete(at, w.id()))
	case 3: // an Update begins
		w.open = append(w.open, maps.Clone(w.present))
	case 4: // one ends, and is committed or rolled back
		if n := len(w.open); n > 0 {
			if w.random.IntN(2) == 0 {
				w.present = w.open[n-1]
			}
			w.open = w.open[:n-1]
		}
	case 5: // the disk damages a record, or a backup or an attacker moves it
		from, to := w.table().Key(w.id()), w.table().Key(w.id())
		if raw, err := at.Get(from); err == nil {
			if w.random.IntN(2) == 0 {
				raw[w.random.IntN(len(raw))] ^= 1
			}
			at[to] = raw
		}
	case 6:
		w.check(w.other.Put(at, w.id(), w.record()))
	case 7:
		w.backups = append(w.backups, maps.Clone(w.present))
	case 8:
		if n := len(w.backups); n > 0 {
			w.present = maps.Clone(w.backups[w.random.IntN(n)])
		}
	case 9: // the clock goes on, or is set
		w.clock = w.time()
	default:
		w.read(at, *w.table(), w.id())
	}
}

func (w *sharedWorld) check(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *sharedWorld) read(at memory, table store.Table[visitor], id string) {
	w.reads++
	got, err := store.GetShared(table, at, id)
	want, wanted := table.Get(at, id)
	if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wanted) || errors.Is(err, store.ErrNotFound) != errors.Is(wanted, store.ErrNotFound) {
		w.t.Fatalf("%s at %v: got %+v, %v, want %+v, %v", table.Key(id), w.clock, got, err, want, wanted)
	}
}

// TestGetShared_IsGet compares GetShared with Get in random histories: of writes, of Updates at once and rolled back, of restored
// backups, of damaged and moved records, of another data key, and of clocks that are set.
func TestGetShared_IsGet(t *testing.T) {
	w := &sharedWorld{t: t, clock: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	ring.CorrectTimes(s, func() time.Time { return w.clock })
	for _, kind := range []store.TableDef{store.Sessions, store.Users} {
		kind.Shared = 3 // fewer than there are
		w.tables = append(w.tables, store.NewTable[visitor](ring, kind))
	}
	strange := open(t)
	w.other = store.NewTable[visitor](openKeyring(t, strange, store.NewRootKeys()), store.Sessions)
	for history := range 100_000 {
		w.random, w.present, w.backups, w.open = rand.New(rand.NewPCG(1, uint64(history))), memory{}, nil, nil
		for range 1 + w.random.IntN(24) {
			w.do()
		}
		for _, table := range w.tables {
			w.read(w.present, table, w.id())
		}
	}
	if err := ring.CheckShared(); err != nil {
		t.Error(err)
	}
	t.Logf("%d reads", w.reads)
}

func TestGetShared_DecodesOnlyAfterAWriteAndKeepsTheLastRead(t *testing.T) {
	s := open(t)
	kind := store.Uniques
	kind.Shared = 2
	table := store.NewTable[openings](openKeyring(t, s, store.NewRootKeys()), kind)
	kept := memory{}
	write := func(id, name string) { table.Put(kept, id, openings{name}) }
	opened = 0
	read := func(id, want string, times int) {
		t.Helper()
		if got, err := store.GetShared(table, kept, id); err != nil || got.Name != want || opened != times {
			t.Errorf("reading %s: got %q, %v, opened %d times; want %q, %d times", id, got.Name, err, opened, want, times)
		}
	}
	write("a", "one")
	write("b", "two")
	write("c", "three")
	read("a", "one", 1)
	read("a", "one", 1)
	read("b", "two", 2)
	read("a", "one", 2)
	read("c", "three", 3) // in place of b
	read("a", "one", 3)
	read("b", "two", 4)
	write("a", "one") // the same text, another write
	read("a", "one", 5)
}

func TestGetShared_ForgetsWhatIsDeletedOrReplaced(t *testing.T) {
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	kind, kept := store.Uniques, memory{}
	kind.Shared = 4
	table := store.NewTable[[]string](ring, kind)
	secrets := map[string][]string{}
	for _, id := range []string{"a", "b"} {
		table.Put(kept, id, []string{"secret"})
		v, err := store.GetShared(table, kept, id)
		if err != nil {
			t.Fatal(err)
		}
		secrets[id] = v
	}
	table.Delete(kept, "a")
	table.Put(kept, "b", []string{"other"})
	for _, v := range secrets {
		v[0] = "changed" // CheckShared would see it in what is kept
	}
	if err := ring.CheckShared(); err != nil {
		t.Errorf("a record is still in memory: %v", err)
	}
}

func TestCheckShared_FindsAReaderThatChangesARecord(t *testing.T) {
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	kind, kept := store.Uniques, memory{}
	kind.Shared = 2
	table := store.NewTable[[]string](ring, kind)
	table.Put(kept, "a", []string{"x", "y"})
	v, err := store.GetShared(table, kept, "a")
	if err == nil {
		err = ring.CheckShared()
	}
	if err != nil {
		t.Fatal(err)
	}
	v[0] = "z"
	if ring.CheckShared() == nil {
		t.Error("no error after a reader changed the record")
	}
}
