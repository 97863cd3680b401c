package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/store"
)

type contact struct{ Name, Phone string }

func TestTable_StoresTypedRecords(t *testing.T) {
	s := open(t)
	contacts := store.NewTable[contact](openKeyring(t, s, store.NewRootKeys()), store.Uniques)
	err := s.Update(background, func(tx store.Tx) error {
		for _, id := range []string{"dupont/1", "dupont/2", "dupond/1"} {
			if err := contacts.Put(tx, id, contact{Name: id}); err != nil {
				return err
			}
		}
		return contacts.Delete(tx, "dupont/9")
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "uniquf/1", []byte("another table")) // a scan beyond the prefix would fail to decode it
	s.View(background, func(snap store.Snapshot) error {
		if got, err := contacts.Get(snap, "dupond/1"); got.Name != "dupond/1" || err != nil {
			t.Errorf("Get: got %v, %v", got, err)
		}
		if _, err := contacts.Get(snap, "martin/1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of none: got %v, want ErrNotFound", err)
		}
		for _, c := range []struct {
			sub, after string
			limit      int
			want       []string
		}{
			{"", "", 0, []string{"dupond/1", "dupont/1", "dupont/2"}},
			{"dupont/", "", 0, []string{"dupont/1", "dupont/2"}},
			{"dupont/", "dupont/1", 0, []string{"dupont/2"}},
			{"", "dupond/1", 1, []string{"dupont/1"}},
		} {
			var got []string
			err := contacts.Scan(snap, c.sub, c.after, c.limit, func(id string, v contact) error {
				if v.Name != id {
					t.Errorf("%s has %v", id, v)
				}
				got = append(got, id)
				return nil
			})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("Scan of %q after %q: got %q, %v, want %q", c.sub, c.after, got, err, c.want)
			}
		}
		return nil
	})
}

func TestTable_BindsRecordToKeyAndVersion(t *testing.T) {
	s := open(t)
	contacts := store.NewTable[contact](openKeyring(t, s, store.NewRootKeys()), store.Users)
	secret := contact{Name: "Zoe Bazinet", Phone: "0612345678"}
	if err := s.Update(background, func(tx store.Tx) error { return contacts.Put(tx, "1", secret) }); err != nil {
		t.Fatal(err)
	}
	sealed := get(t, s, "user/1")
	if bytes.Contains(sealed, []byte("0612345678")) || bytes.Contains(sealed, []byte("Zoe Bazinet")) {
		t.Error("the record is not encrypted")
	}
	flip := func(at int) []byte {
		out := bytes.Clone(sealed)
		out[at] ^= 1
		return out
	}
	for _, c := range []struct {
		name, id string
		value    []byte
		want     error
	}{
		{"moved to another key", "2", sealed, store.ErrDecrypt},
		{"with another version", "1", flip(2), store.ErrDecrypt},
		{"of an unknown data key", "1", flip(5), store.ErrDecrypt},
		{"with a flipped nonce", "1", flip(12), store.ErrDecrypt},
		{"with a flipped last byte", "1", flip(len(sealed) - 1), store.ErrDecrypt},
		{"cut", "1", sealed[:len(sealed)-1], store.ErrDecrypt},
		{"cut to its header", "1", sealed[:11], store.ErrDecrypt},
		{"of envelope format 0", "1", flip(0), store.ErrDecrypt},
		{"of a newer envelope format", "1", append([]byte{2}, sealed[1:]...), store.ErrNewer},
	} {
		put(t, s, "user/"+c.id, c.value)
		s.View(background, func(snap store.Snapshot) error {
			if got, err := contacts.Get(snap, c.id); !errors.Is(err, c.want) || got != (contact{}) {
				t.Errorf("%s: got %v, %v, want %v and no record", c.name, got, err, c.want)
			}
			return nil
		})
	}
}

func TestTable_UpgradesOldRecordsAndRejectsNewerOnes(t *testing.T) {
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	kind := func(version int) store.TableDef {
		k := store.Users
		k.Version = version
		return k
	}
	rename := store.Upgrade{From: 1, Apply: func(record any) (any, error) {
		return map[any]any{"Name": record.(map[any]any)["Called"]}, nil
	}}
	phone := store.Upgrade{From: 2, Apply: func(record any) (any, error) {
		record.(map[any]any)["Phone"] = "none"
		return record, nil
	}}
	first := store.NewTable[struct{ Called string }](ring, kind(1))
	third := store.NewTable[contact](ring, kind(3), rename, phone)
	err := s.Update(background, func(tx store.Tx) error {
		if err := first.Put(tx, "1", struct{ Called string }{"Zoe"}); err != nil {
			return err
		}
		got, err := third.Get(tx, "1")
		if want := (contact{"Zoe", "none"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		return errors.Join(err, third.Put(tx, "1", got))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.View(background, func(snap store.Snapshot) error {
		if _, err := first.Get(snap, "1"); !errors.Is(err, store.ErrNewer) {
			t.Errorf("older program: got %v, want ErrNewer", err)
		}
		return nil
	})
}

func TestNewTable_PanicsIfAnUpgradeIsMissing(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	kind := store.Users
	kind.Version = 2
	store.NewTable[contact](nil, kind)
}

func TestKinds_HaveUniquePrefixes(t *testing.T) {
	kinds := store.TableDefs()
	for i, k := range kinds {
		if !strings.HasSuffix(k.Prefix, "/") || strings.Count(k.Prefix, "/") != 1 || k.Owner == "" || k.Lives == "" || k.Version < 1 {
			t.Errorf("kind %d is incomplete: %+v", i, k)
		}
		if k.Sealed == slices.Contains([]string{"meta/", "name/", "member/", "roleholder/", "userstate/", "auditentity/"}, k.Prefix) {
			t.Errorf("%s: sealed %v", k.Prefix, k.Sealed)
		}
		for _, other := range kinds[:i] {
			if other.Prefix == k.Prefix {
				t.Errorf("%s is declared twice", k.Prefix)
			}
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", "dupont", "a%20b", "%C3%A9", "%", "%4", "%zz", "%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		escaped := store.Escape(in)
		if back, err := store.Unescape(escaped); back != in || err != nil {
			t.Errorf("%q becomes %q becomes %q, %v", in, escaped, back, err)
		}
		if in != "" && len(escaped) <= store.MaxKey && store.CheckKey(escaped) != nil {
			t.Errorf("%q is not a valid key", escaped)
		}
		if text, err := store.Unescape(in); err == nil && store.Escape(text) != in {
			t.Errorf("%q is another escaped form of %q", in, text)
		}
	})
}

// raw is a Reader that returns itself for every key.
type raw []byte

func (r raw) Get(string) ([]byte, error) { return r, nil }

func FuzzEnvelope(f *testing.F) {
	s := open(f)
	contacts := store.NewTable[contact](openKeyring(f, s, store.NewRootKeys()), store.Users)
	err := s.Update(background, func(tx store.Tx) error { return contacts.Put(tx, "1", contact{"Zoe", "1"}) })
	if err != nil {
		f.Fatal(err)
	}
	valid := get(f, s, "user/1")
	f.Add(valid)
	f.Add(valid[:11])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := contacts.Get(raw(in), "1")
		if (err == nil) != bytes.Equal(in, valid) || err != nil && got != (contact{}) {
			t.Errorf("got %v, %v of %x", got, err, in)
		}
	})
}

func BenchmarkTable(b *testing.B) {
	for _, size := range []int{512, 4 << 10} {
		s := open(b)
		contacts := store.NewTable[contact](openKeyring(b, s, store.NewRootKeys()), store.Users)
		v := contact{Name: strings.Repeat("n", size/2), Phone: strings.Repeat("p", size/2-22)}
		if err := s.Update(background, func(tx store.Tx) error { return contacts.Put(tx, "1", v) }); err != nil {
			b.Fatal(err)
		}
		sealed := raw(get(b, s, "user/1"))
		b.Run(fmt.Sprintf("get/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := contacts.Get(sealed, "1"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("put/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := contacts.Put(sink{}, "1", v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sink is a Tx that discards writes, so that a benchmark measures encoding and encryption only.
type sink struct{ raw }

func (sink) Put(string, []byte) error { return nil }
func (sink) Delete(string) error      { return nil }
