package password_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"barillet/authn/password"
	"barillet/internal/errcode"
	"barillet/store"
)

// cheap is the minimum cost, for short tests.
var cheap = password.Cost{Memory: 8192, Time: 1, Threads: 1}

func newHasher(t testing.TB, pepper store.Pepper, policy password.Policy) *password.Hasher {
	t.Helper()
	p, err := password.NewHasher(pepper, policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hashOf(t testing.TB, p *password.Hasher, password string) string {
	t.Helper()
	phc, err := p.Hash(context.Background(), false, password)
	if err != nil {
		t.Fatalf("hashing: %v", err)
	}
	return phc
}

// allocated returns the number of bytes that f allocates. Each Argon2id run allocates its whole memory.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestVerify(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	at72 := strings.Repeat("0123456789ab", 6)
	tests := []struct {
		name, stored, typed string
		want                bool
	}{
		{"the same password", "quai des brumes", "quai des brumes", true},
		{"another password", "quai des brumes", "quai des Brumes", false},
		{"composed and decomposed accents are the same", "caf\u00e9 du garage", "cafe\u0301 du garage", true},
		{"compatibility forms are not the same", "of\ufb01ce du garage", "office du garage", false},
		{"a difference after 72 bytes counts", at72 + "a", at72 + "b", false},
		{"a password cut at 72 bytes is different", at72 + "a", at72, false},
		{"256 code points count to the last", strings.Repeat("é", 255) + "a", strings.Repeat("é", 255) + "b", false},
		{"256 code points of four bytes fit", strings.Repeat("🔧", 256), strings.Repeat("🔧", 256), true},
		{"spaces at the end count", "quai des brumes", "quai des brumes ", false},
		{"an empty password", "quai des brumes", "", false},
		{"text after a NUL counts", "quai des\x00brumes", "quai des\x00brume", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rehash, err := p.Verify(t.Context(), false, hashOf(t, p, tt.stored), tt.typed)
			if err != nil || got != tt.want || rehash {
				t.Errorf("got %v, %v, %v, want %v, false, nil", got, rehash, err, tt.want)
			}
		})
	}
}

func TestVerify_RejectsLongPasswordWithoutHash(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	phc := hashOf(t, p, "quai des brumes")
	for name, password := range map[string]string{
		"257 code points":                      strings.Repeat("a", 257),
		"1 KiB and one byte":                   strings.Repeat("🔧", 256) + "a",
		"a megabyte":                           strings.Repeat("a", 1<<20),
		"a megabyte of marks on one character": "e" + strings.Repeat("\u0301", 1<<19),
	} {
		t.Run(name, func(t *testing.T) {
			got := allocated(func() {
				for _, stored := range []string{phc, "", "garbage"} {
					ok, rehash, err := p.Verify(t.Context(), true, stored, password)
					if ok || rehash || !errors.Is(err, errcode.InvalidField("password", "too_long")) {
						t.Errorf("verify: got %v, %v, %v, want an error", ok, rehash, err)
					}
				}
				if phc, err := p.Hash(t.Context(), true, password); phc != "" || errcode.Of(err) != errcode.Invalid {
					t.Errorf("hash: got %q, %v, want an error", phc, err)
				}
			})
			if got > 4<<20 {
				t.Errorf("allocated %d bytes: a hash was computed", got)
			}
		})
	}
}

func TestHash_RejectsInvalidText(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	for name, password := range map[string]string{"empty": "", "invalid UTF-8": "abcdefgh\xff"} {
		if phc, err := p.Hash(t.Context(), false, password); phc != "" || errcode.Of(err) != errcode.Invalid {
			t.Errorf("%s: got %q, %v, want an error", name, phc, err)
		}
	}
}

func TestVerify_DoesSameWorkForUnknownLogin(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{})
	phc := hashOf(t, p, "quai des brumes")
	verify := func(stored string, wantErr bool) uint64 {
		return allocated(func() {
			ok, _, err := p.Verify(t.Context(), false, stored, "quai des orfevres")
			if ok || (err != nil) != wantErr {
				t.Errorf("got %v, %v, want no, error %v", ok, err, wantErr)
			}
		})
	}
	known, unknown, damaged := verify(phc, false), verify("", false), verify("$2a$10$damaged", true)
	const run, slack = 19 << 20, 1 << 20
	for name, got := range map[string]uint64{"a known login": known, "an unknown login": unknown, "a damaged record": damaged} {
		if got < run || got > run+slack {
			t.Errorf("%s: got %d bytes allocated, want one run of %d", name, got, run)
		}
	}
}

func TestVerify_RejectsEveryPasswordOfUnknownLogin(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	for _, password := range []string{"", "\x00", "password", strings.Repeat("\x00", 32)} {
		if ok, rehash, err := p.Verify(t.Context(), false, "", password); ok || rehash || err != nil {
			t.Errorf("%q: got %v, %v, %v, want no", password, ok, rehash, err)
		}
	}
}

func TestVerify_RequestsRehashForMoreWork(t *testing.T) {
	pepper := store.NewRootKeys().Pepper
	phc := hashOf(t, newHasher(t, pepper, password.Policy{Cost: password.Cost{Memory: 9000, Time: 2, Threads: 1}}), "quai des brumes")
	for name, tt := range map[string]struct {
		cost password.Cost
		want bool
	}{
		"more memory": {password.Cost{Memory: 9001, Time: 2, Threads: 1}, true}, "more passes": {password.Cost{Memory: 9000, Time: 3, Threads: 1}, true},
		"more in total": {password.Cost{Memory: 18_001, Time: 1, Threads: 1}, true}, "the same": {password.Cost{Memory: 9000, Time: 2, Threads: 1}, false},
		"as much": {password.Cost{Memory: 18_000, Time: 1, Threads: 1}, false}, "less memory": {password.Cost{Memory: 8999, Time: 2, Threads: 1}, false},
		"fewer passes": {password.Cost{Memory: 9000, Time: 1, Threads: 1}, false},
	} {
		p := newHasher(t, pepper, password.Policy{Cost: tt.cost})
		if ok, rehash, err := p.Verify(t.Context(), false, phc, "quai des brumes"); !ok || rehash != tt.want || err != nil {
			t.Errorf("%s: got %v, %v, %v, want yes, %v", name, ok, rehash, err, tt.want)
		}
	}
}

func TestVerify_DetectsOtherPepper(t *testing.T) {
	phc := hashOf(t, newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap}), "quai des brumes")
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	if ok, rehash, err := p.Verify(t.Context(), false, phc, "quai des brumes"); ok || !rehash || err != nil {
		t.Errorf("got %v, %v, %v, want no, rehash", ok, rehash, err)
	}
}

func TestHash_UsesNewSalt(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	if a, b := hashOf(t, p, "quai des brumes"), hashOf(t, p, "quai des brumes"); a == b {
		t.Errorf("got %q twice", a)
	}
}

func TestVerify_RejectsMalformedHash(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap})
	good := hashOf(t, p, "quai des brumes")
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("record has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, phc := range map[string]string{
		"not a record":           "secret",
		"another algorithm":      swap("argon2id", "argon2i"),
		"another version":        swap("v=19", "v=16"),
		"no passes":              swap("t=1", "t=0"), // x/crypto panics on it
		"too many passes":        swap("t=1", "t=11"),
		"too little memory":      swap("m=8192", "m=8191"),
		"a terabyte of memory":   swap("m=8192", "m=1073741824"),
		"more memory than fits":  swap("m=8192", "m=99999999999"),
		"no threads":             swap("p=1", "p=0"),
		"threads that wrap to 1": swap("p=1", "p=257"),
		"a leading zero":         swap("p=1", "p=01"),
		"a sign":                 swap("p=1", "p=+1"),
		"no pepper":              swap(",keyid=", ",data="),
		"a line end in the salt": good[:len(good)-50] + "\n" + good[len(good)-50:],
		"cut":                    good[:len(good)-40],
		"one field more":         good + "$",
		"padding":                good + "=",
		"very long":              good + strings.Repeat("A", 1<<20),
	} {
		if ok, _, err := p.Verify(t.Context(), false, phc, "quai des brumes"); ok || err == nil {
			t.Errorf("%s: got %v, %v, want an error", name, ok, err)
		} else if strings.Contains(err.Error(), "$") {
			t.Errorf("%s: the error shows the record: %v", name, err)
		}
	}
}

func TestNewHasher_NamesWrongSetting(t *testing.T) {
	pepper := store.NewRootKeys().Pepper
	cost := func(m, passes uint32, p uint8) password.Policy {
		return password.Policy{Cost: password.Cost{Memory: m, Time: passes, Threads: p}}
	}
	tests := []struct {
		name   string
		pepper store.Pepper
		policy password.Policy
		want   string
	}{
		{"no pepper", store.Pepper{}, password.Policy{}, "pepper"},
		{"too short a minimum", pepper, password.Policy{Min: 7}, "8 to 64"},
		{"too long a minimum", pepper, password.Policy{Min: 65}, "8 to 64"},
		{"no slots", pepper, password.Policy{MaxConcurrent: -1}, "at once"},
		{"little memory", pepper, cost(1024, 2, 1), "KiB"},
		{"much memory", pepper, cost(1<<20, 2, 1), "KiB"},
		{"no passes", pepper, cost(19456, 0, 1), "passes"},
		{"no threads", pepper, cost(19456, 2, 0), "threads"},
	}
	for _, tt := range tests {
		if _, err := password.NewHasher(tt.pepper, tt.policy); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error naming %q", tt.name, err, tt.want)
		}
	}
}

func TestVerify_Concurrent(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Cost: cheap, MaxConcurrent: 2})
	phc := hashOf(t, p, "quai des brumes")
	var correct, busy atomic.Int32
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			ok, _, err := p.Verify(context.Background(), i%2 == 0, phc, "quai des brumes")
			switch {
			case ok:
				correct.Add(1)
			case errors.Is(err, errcode.New(errcode.Overloaded)): // on a slow machine
				busy.Add(1)
			default:
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
	all.Wait()
	if got := correct.Load(); got == 0 || got+busy.Load() != 40 {
		t.Errorf("got %d correct, %d busy of 40", got, busy.Load())
	}
}
