package secret_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/internal/secret"
)

func dated(at time.Time) secret.Value {
	var random [24]byte
	rand.Read(random[:])
	return secret.Dated(at, random)
}

func TestDated_KeysSortByTime(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var keys []string
	for i := range 200 {
		v := dated(at.Add(time.Duration(i*i) * time.Millisecond))
		if !secret.IsToken(v.Reveal()) {
			t.Fatalf("%q has not the form of a token", v.Reveal())
		}
		keys = append(keys, v.Key())
	}
	if !slices.IsSorted(keys) {
		t.Error("keys of values in the order of time are not sorted")
	}
	end := dated(time.Date(2527, 6, 1, 0, 0, 0, 0, time.UTC)).Key()
	if end < keys[len(keys)-1] || len(end) != len(keys[0]) {
		t.Errorf("the key %q of a late value does not sort last", end)
	}
}

func TestDated_ValuesOfOneMomentDiffer(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	a, b := dated(at), dated(at)
	if a.Equal(b) || a.Key() == b.Key() || secret.KeyID(a.Key()) == secret.KeyID(b.Key()) || a.Key()[:11] != b.Key()[:11] {
		t.Errorf("got the keys %q and %q, want one time and two hashes", a.Key(), b.Key())
	}
}

// A reader of the store finds nothing of a value but its time and its hash.
func TestKey_HasNothingOfTheSecret(t *testing.T) {
	v := dated(time.Now())
	sum := sha256.Sum256([]byte(v.Reveal()))
	if got, want := v.Key(), v.Reveal()[:11]+hex.EncodeToString(sum[:20]); got != want {
		t.Errorf("got the key %q, want %q", got, want)
	}
}

func TestKey_DependsOnTheWholeText(t *testing.T) {
	v := dated(time.Now())
	kind := secret.From("access_" + v.Reveal())
	if kind.Key()[:11] != v.Key()[:11] || kind.Key() == v.Key() {
		t.Errorf("got %q for a value of a kind and %q without it, want one time and two hashes", kind.Key(), v.Key())
	}
	for _, text := range []string{"", "a", v.Reveal()[1:], strings.ToUpper(v.Reveal()), strings.Repeat("é", 43), "/" + strings.Repeat("a", 42)} {
		key := secret.From(text).Key()
		if key == v.Key() || len(key) != len(v.Key()) || strings.Trim(key, "0123456789abcdef") != "" {
			t.Errorf("%q has the key %q, want another one in hex, of the same length", text, key)
		}
	}
}
