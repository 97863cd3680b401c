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
	maxTyped      = 8 << 10 // bytes before normalization; decomposed text is about three times as long as NFC
	saltSize      = 16      // bytes (RFC 9106 §3.1)
	keySize       = 32      // bytes
	pepperPurpose = "password"
)

// Cost is the cost of one Argon2id hash (RFC 9106). The zero value means 19456 KiB, 2 passes and 1 thread.
type Cost struct {
	Memory  uint32 // KiB, 8192 to 262144
	Time    uint32 // passes, 1 to 10
	Threads uint8  // lanes, 1 to 8
}

// Policy is the configuration of passwords. The zero value is usable.
type Policy struct {
	Min           int      // minimum code points, 8 to 64; 0: 8. NIST SP 800-63B-4 §3.1.1.2 requires 15 without a second factor
	Context       []string // words that a password may not consist of, such as the name of the service
	Cost          Cost     // of new hashes; see Verify for older ones
	MaxConcurrent int      // maximum hashes at the same time, 1 to 64; 0: the number of cores, at most 4

	// MinMemory is the minimum Cost.Memory of a new or stored hash; 0: 8192. Tests use less.
	MinMemory uint32
}

// Hasher validates, hashes and verifies passwords. It is safe for concurrent use. At most Policy.MaxConcurrent hashes run at the
// same time, so that hashing uses at most MaxConcurrent × Cost.Memory, and the garbage of finished hashes; see LimitGarbage.
type Hasher struct {
	Pepper store.Pepper
	Policy Policy
	// OnHash, if it is not nil, is called at the start of each hash, and its result at the end. It is set before the first hash.
	OnHash func() (end func())
	// Breached reports whether a password appeared in a data breach; nil: none is known. It is set before the first Validate.
	Breached func(password string) bool

	pool      *pool
	garbage   garbage
	pepperID  []byte   // 8 bytes
	siteWords []string // folded words of Policy.Context, longest first
}

// NewHasher returns a Hasher with a policy and its defaults. The error names the setting that is out of range.
func NewHasher(pepper store.Pepper, policy Policy) (*Hasher, error) {
	id, err := hex.DecodeString(pepper.ID())
	if err != nil || len(id) == 0 {
		return nil, errors.New("password policy: pepper is missing")
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
	case policy.Min < 8 || policy.Min > 64: // NIST SP 800-63B-4 §3.1.1.2
		return nil, fmt.Errorf("password policy: minimum length is %d characters, must be 8 to 64", policy.Min)
	case policy.MaxConcurrent < 1 || policy.MaxConcurrent > 64:
		return nil, fmt.Errorf("password policy: %d hashes at once, must be 1 to 64", policy.MaxConcurrent)
	}
	if err := policy.Cost.check(policy.MinMemory); err != nil {
		return nil, fmt.Errorf("password policy: %w", err)
	}
	return &Hasher{
		Pepper:    pepper,
		Policy:    policy,
		pool:      newPool(policy.MaxConcurrent, queueLength(policy.MaxConcurrent, policy.Cost)),
		pepperID:  id,
		siteWords: wordsOf(policy.Context),
	}, nil
}

// Hash returns the stored form of a password, a PHC string that contains its cost and the id of the pepper. A call with priority
// waits for fewer others. Hash does not validate the password; see Validate. It returns Invalid if the password has more than
// 256 code points in NFC or is not text. It returns ErrOverloaded if too many callers wait, or wraps the error of ctx.
func (h *Hasher) Hash(ctx context.Context, priority bool, password string) (phc string, err error) {
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
	record := record{cost: h.Policy.Cost, pepper: h.pepperID, salt: make([]byte, saltSize)}
	rand.Read(record.salt) // never fails
	record.key, err = h.run(ctx, priority, text, record.cost, record.salt, keySize)
	if err != nil {
		return "", err
	}
	return record.String(), nil
}

// Verify reports whether phc is the hash of the password. rehash is true if phc costs less than the policy says, or has another
// pepper; the caller then stores a new hash. A hash that costs more stays. After a change of the pepper no password verifies.
//
// An empty phc stands for an unknown login: Verify does the same work and returns false. If phc is malformed, Verify does the
// same work and returns an error. The other errors are those of Hash. Verify rejects a password that is too long before any
// work, for each phc.
func (h *Hasher) Verify(ctx context.Context, priority bool, phc, password string) (ok, rehash bool, err error) {
	text, err := normalize(password)
	if err != nil {
		return false, false, err
	}
	record := record{
		cost: h.Policy.Cost, pepper: h.pepperID,
		salt: make([]byte, saltSize), key: make([]byte, keySize),
	}
	var malformed error
	if phc != "" {
		stored, err := parseRecord(phc, h.Policy.MinMemory)
		if malformed = err; err == nil {
			record = stored
		}
	}
	key, err := h.run(ctx, priority, text, record.cost, record.salt, uint32(len(record.key)))
	if err != nil {
		return false, false, err
	}
	same := hmac.Equal(key, record.key)
	switch {
	case malformed != nil:
		return false, false, fmt.Errorf("reading a stored password hash: %w", malformed)
	case phc == "":
		return false, false, nil
	}
	samePepper := hmac.Equal(record.pepper, h.pepperID)
	rehash = !samePepper || record.cost.work() < h.Policy.Cost.work() || len(record.salt) != saltSize || len(record.key) != keySize
	return same && samePepper, rehash, nil
}

// run hashes text in the pool. It computes an HMAC with the pepper first, because the Argon2 package has no parameter for the
// secret value K of RFC 9106 §3.1. The HMAC covers the whole password.
func (h *Hasher) run(ctx context.Context, priority bool, text []byte, cost Cost, salt []byte, size uint32) ([]byte, error) {
	peppered := h.Pepper.MAC(pepperPurpose, text)
	release, err := h.pool.acquire(ctx, priority)
	if err != nil {
		return nil, err
	}
	defer release()
	h.garbage.begin()
	defer h.garbage.add()
	if h.OnHash != nil {
		defer h.OnHash()()
	}
	return argon2.IDKey(peppered, salt, cost.Time, cost.Memory, cost.Threads, size), nil
}

// normalize returns the password in NFC (NIST SP 800-63B-4 §3.1.1.2). It returns Invalid if the password is too long, and checks the
// size before it normalizes.
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
