package store_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"barillet/store"
)

// inner and everything are of the kinds that records have.
type inner struct {
	A string          `json:"a,omitempty"`
	T time.Time       `json:"t,omitzero"`
	B []byte          `json:"b,omitempty"`
	N *innermost      `json:"n,omitempty"`
	M map[string]name `json:"m,omitempty"`
}

type innermost struct {
	T time.Time       `json:"t,omitzero"`
	M map[string]name `json:"m,omitempty"`
}

type name string

type everything struct {
	inner
	Name     name                `json:"name"`
	At       time.Time           `json:"at"`
	Times    []time.Time         `json:"times,omitempty"`
	Data     json.RawMessage     `json:"data"`
	Hash     [32]byte            `json:"hash"`
	Pointer  *[32]byte           `json:"pointer,omitempty"`
	Hashes   map[string][32]byte `json:"hashes,omitzero"`
	List     []inner             `json:"list"`
	Int      int64               `json:"int"`
	Wait     time.Duration       `json:"wait,omitempty"`
	Epoch    uint32              `json:"epoch"`
	Ratio    float64             `json:"ratio"`
	Is       bool                `json:"is,omitempty"`
	Ceremony map[name][]byte     `json:"ceremony,omitempty"`
	Text     openings            `json:"text"`
	Hidden   string              `json:"-"`
}

func roundTrip(t *testing.T, v everything) {
	t.Helper()
	raw, err := store.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(raw)
	var got everything
	if err := store.Decode(raw, &got); err != nil {
		t.Fatalf("%x: %v", raw, err)
	}
	clear(raw) // as the next use of the scratch does
	if !reflect.DeepEqual(got, v) {
		t.Errorf("got %+v, want %+v", got, v)
	}
	if repeat, err := store.Encode(got); err != nil || !bytes.Equal(repeat, kept) {
		t.Errorf("encoded as %x, then as %x, %v", kept, repeat, err)
	}
}

func TestDecode_ReturnsAnEqualRecord(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 123456000, time.UTC)
	hash := [32]byte{1, 31: 2}
	roundTrip(t, everything{})
	roundTrip(t, everything{Data: json.RawMessage{}, List: []inner{}, Hashes: map[string][32]byte{}})
	roundTrip(t, everything{inner: inner{A: "\xff\x00é", N: &innermost{T: at, M: map[string]name{"": "x"}}}, Name: "\xc3", At: at, Times: []time.Time{{}, at.Truncate(time.Second)},
		Data: json.RawMessage(`{"a": "<&>"}`), Hash: hash, Pointer: &hash, Hashes: map[string][32]byte{"a": hash}, List: []inner{{}, {B: []byte{0}}},
		Int: -1 << 63, Wait: time.Nanosecond, Epoch: 1<<32 - 1, Ratio: 0.1, Is: true, Ceremony: map[name][]byte{"totp": []byte("p")}, Text: openings{"text"}})
}

func TestDecode_ReturnsTheMicrosecondInUTC(t *testing.T) {
	for _, c := range []struct {
		nanos, want, size int
	}{{0, 0, 5}, {400, 0, 5}, {600, 1000, 9}, {123456789, 123457000, 9}, {999999999, 1e9, 5}} {
		at := time.Date(2026, 3, 2, 8, 0, 0, c.nanos, time.FixedZone("", -5400))
		raw, err := store.Encode(at)
		var got time.Time
		if err == nil {
			err = store.Decode(raw, &got)
		}
		if want := at.Truncate(time.Second).Add(time.Duration(c.want)); err != nil || got != want.UTC() || len(raw) != c.size {
			t.Errorf("%v: got %v, %v, of %d bytes, want %v", at, got, err, len(raw), want)
		}
	}
}

func TestDecode_RefusesWhatTheProgramDoesNotWrite(t *testing.T) {
	for what, digits := range map[string]string{
		"nothing":                         "",
		"bytes after the record":          "a0" + "00",
		"the end is missing":              "a1" + "61" + "41",
		"JSON":                            hex.EncodeToString([]byte(`{"a":"1"}`)),
		"a field twice":                   "a2" + "6161" + "6131" + "6161" + "6132",
		"an unknown field twice":          "a2" + "617a" + "01" + "617a" + "01",
		"a key of a map twice":            "a1" + "616d" + "a2" + "6161" + "6131" + "6161" + "6131",
		"a tag":                           "c0" + "74" + hex.EncodeToString([]byte("2026-03-02T08:00:00Z")),
		"a tag in a field":                "a1" + "6161" + "d9d9f7" + "6131",
		"a map without a length":          "bf" + "ff",
		"text without a length":           "a1" + "6161" + "7f" + "6131" + "ff",
		"too many nested arrays":          "a1" + "617a" + strings.Repeat("81", 17) + "00",
		"a length beyond the end":         "a1" + "6162" + "5affffffff" + "00",
		"a map with a billion entries":    "ba" + "3b9aca00",
		"a number where text is":          "a1" + "6161" + "01",
		"text where the record has a map": "6161",
	} {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		var v inner
		if err := store.Decode(raw, &v); err == nil {
			t.Errorf("%s (%s) was decoded as %+v", what, digits, v)
		}
	}
	for _, digits := range []string{"a0", "a1" + "6161" + "6131", "a2" + "6161" + "6131" + "617a" + "82" + "01" + "a0", "a1" + "6141" + "6131"} { // also unknown fields, and one in another case
		raw, _ := hex.DecodeString(digits)
		var v inner
		if err := store.Decode(raw, &v); err != nil {
			t.Errorf("%s: %v", digits, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 123456000, time.UTC)
	for _, v := range []everything{{}, {inner: inner{A: "a", N: &innermost{T: at}}, Data: json.RawMessage("{}"), List: []inner{{}}, Hashes: map[string][32]byte{"a": {}}}} {
		raw, err := store.Encode(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		repeat[everything](t, raw)
		repeat[any](t, raw)
	})
}

// repeat tests that what was decoded, also from bytes of another encoding, is encoded and decoded without a loss.
func repeat[T any](t *testing.T, raw []byte) {
	t.Helper()
	var first, second T
	if err := store.Decode(raw, &first); err != nil {
		return
	}
	once, err := store.Encode(first)
	if err != nil {
		t.Fatalf("%x is decoded as %v, which cannot be encoded: %v", raw, first, err)
	}
	if err := store.Decode(once, &second); err != nil {
		t.Fatalf("%x is encoded as %x: %v", raw, once, err)
	}
	if twice, err := store.Encode(second); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%x is encoded as %x, then as %x, %v", raw, once, twice, err)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("a", []byte{1}, int64(1), int64(1), 0.5)
	f.Fuzz(func(t *testing.T, text string, data []byte, n, nanos int64, ratio float64) {
		roundTrip(t, everything{inner: inner{A: text, N: &innermost{M: map[string]name{text: name(text)}}}, At: time.Unix(n>>31, 0).Add(time.Duration(nanos % 1e9)).Round(time.Microsecond).UTC(), Data: data, Int: n, Wait: time.Duration(nanos)})
	})
}
