package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"barillet/internal/errcode"
	"barillet/store"
)

const (
	maxPassword   = 256     // code points in NFC, which are at most 1 KiB
	maxTyped      = 8 << 10 // bytes as typed: decomposed text is at most some three times its NFC
	saltSize      = 16      // bytes: RFC 9106 section 3.1 recommends 128 bits
	keySize       = 32      // bytes
	pepperPurpose = "password"
)

// Cost is what one hash costs (Argon2id, RFC 9106). The zero value is 19456 KiB, 2 passes, 1 thread.
type Cost struct {
	Memory  uint32 // KiB, 8192 to 262144
	Time    uint32 // passes, 1 to 10
	Threads uint8  // lanes, 1 to 8
}

// Policy is what the operator decides about passwords. The zero value is usable.
type Policy struct {
	Min           int      // code points, 8 to 64; 0: 8. Use 15 where a password is ever alone (NIST SP 800-63B-4 section 3.1.1.2)
	Context       []string // words of the house, such as the site's name: no password is made of them
	Cost          Cost     // of new hashes; older ones are hashed anew when they are next proven
	MaxConcurrent int      // hashes at once, 1 to 64; 0: the smaller of cores and 4

	// MinMemory is the lowest Cost.Memory that a new or a stored hash may have; 0: 8192. Tests set less.
	MinMemory uint32
}

// Hasher hashes and judges passwords. Its fields are set once, by NewHasher; it is safe for concurrent
// use. At most Policy.Slots hashes run at once, whoever asks, so the memory of hashing is bounded by Slots ×
// Cost.Memory and what the garbage collector has not yet taken back.
type Hasher struct {
	Pepper store.Pepper
	Policy Policy

	pool      *pool
	pepperID  []byte   // 8 bytes
	siteWords []string // Policy.Context as folded words, the longest first
}

// NewHasher makes Passwords of a policy, filling in what it leaves at zero. The error names the setting
// that is out of bounds.
func NewHasher(pepper store.Pepper, policy Policy) (*Hasher, error) {
	id, err := hex.DecodeString(pepper.ID())
	if err != nil || len(id) == 0 {
		return nil, errors.New("setting up passwords: no pepper given")
	}
	if policy.Min == 0 {
		policy.Min = 8
	}
	if policy.MaxConcurrent == 0 {
		policy.MaxConcurrent = min(runtime.GOMAXPROCS(0), 4)
	}
	if policy.MinMemory == 0 {
		policy.MinMemory = 8 << 10
	}
	if policy.Cost == (Cost{}) {
		policy.Cost = Cost{Memory: 19456, Time: 2, Threads: 1}
	}
	switch {
	case policy.Min < 8 || policy.Min > 64: // NIST SP 800-63B-4 section 3.1.1.2: 8 at least, 64 must be allowed
		return nil, fmt.Errorf("setting up passwords: shortest password is %d characters, it must be 8 to 64", policy.Min)
	case policy.MaxConcurrent < 1 || policy.MaxConcurrent > 64:
		return nil, fmt.Errorf("setting up passwords: %d hashes at once, it must be 1 to 64", policy.MaxConcurrent)
	}
	if err := policy.Cost.check(policy.MinMemory); err != nil {
		return nil, fmt.Errorf("setting up passwords: %w", err)
	}
	return &Hasher{
		Pepper:    pepper,
		Policy:    policy,
		pool:      newPool(policy.MaxConcurrent, queueLength(policy.MaxConcurrent, policy.Cost)),
		pepperID:  id,
		siteWords: wordsOf(policy.Context),
	}, nil
}

// Hash gives the record to keep of a password, a Hash string that names its cost and pepper. It does not judge
// the password: that is Check. The error is Invalid for a password beyond the limits (256 code points in
// NFC) or that is no text, Overloaded when the pool is full, or that of ctx while it waits.
func (p *Hasher) Hash(ctx context.Context, known bool, password string) (phc string, err error) {
	text, err := normalize(password)
	if err != nil {
		return "", err
	}
	switch {
	case len(text) == 0:
		return "", errcode.InvalidField("password", "too_short")
	case !utf8.Valid(text):
		return "", errcode.InvalidField("password", "control")
	}
	record := record{cost: p.Policy.Cost, pepper: p.pepperID, salt: make([]byte, saltSize)}
	rand.Read(record.salt) // never fails: crypto/rand since Go 1.24
	record.key, err = p.run(ctx, known, text, record.cost, record.salt, keySize)
	if err != nil {
		return "", err
	}
	return record.String(), nil
}

// Verify tells whether the password is the one that phc was made of, and whether phc was made with another
// cost or pepper than those in force. After a change of pepper no password verifies.
//
// An empty phc stands for a name that nobody has: it costs the same work and the answer is no. A phc that is
// none of ours is an error, after the same work. Errors otherwise are those of Hash; too long a password is
// refused before any work, whosever name stands beside it.
func (p *Hasher) Verify(ctx context.Context, known bool, phc, password string) (ok, rehash bool, err error) {
	text, err := normalize(password)
	if err != nil {
		return false, false, err
	}
	record := record{
		cost: p.Policy.Cost, pepper: p.pepperID,
		salt: make([]byte, saltSize), key: make([]byte, keySize),
	}
	var malformed error
	if phc != "" {
		stored, err := parseRecord(phc, p.Policy.MinMemory)
		if malformed = err; err == nil {
			record = stored
		}
	}
	key, err := p.run(ctx, known, text, record.cost, record.salt, uint32(len(record.key)))
	if err != nil {
		return false, false, err
	}
	same := hmac.Equal(key, record.key) // in constant time
	switch {
	case malformed != nil:
		return false, false, fmt.Errorf("reading a stored password: %w", malformed)
	case phc == "":
		return false, false, nil
	}
	ours := hmac.Equal(record.pepper, p.pepperID)
	rehash = !ours || record.cost != p.Policy.Cost || len(record.salt) != saltSize || len(record.key) != keySize
	return same && ours, rehash, nil
}

// run hashes inside the pool. The pepper goes in by HMAC before Argon2id, for the library has no place for
// the secret value K of RFC 9106 section 3.1. The HMAC is over the whole password: nothing is ever cut.
func (p *Hasher) run(ctx context.Context, known bool, text []byte, cost Cost, salt []byte, size uint32) ([]byte, error) {
	peppered := p.Pepper.MAC(pepperPurpose, text)
	release, err := p.pool.acquire(ctx, known)
	if err != nil {
		return nil, err
	}
	defer release()
	return argon2.IDKey(peppered, salt, cost.Time, cost.Memory, cost.Threads, size), nil
}

// normalize is the password in NFC (NIST SP 800-63B-4 section 3.1.1.2), or Invalid past the limits. The size
// as typed is judged first, so that megabytes cost nothing.
func normalize(password string) ([]byte, error) {
	if len(password) > maxTyped {
		return nil, errcode.InvalidField("password", "too_long")
	}
	text := norm.NFC.Bytes([]byte(password))
	if utf8.RuneCount(text) > maxPassword {
		return nil, errcode.InvalidField("password", "too_long")
	}
	return text, nil
}
