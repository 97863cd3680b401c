package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// record is a stored hash in the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1,keyid=<pepper>$<salt>$<key>.
type record struct {
	cost   Cost
	pepper []byte // id of the pepper, 8 bytes; not a secret
	salt   []byte
	key    []byte
}

const maxRecord = 256 // characters; String returns at most 130

var errRecord = errors.New("malformed password hash")

// phcBase64 has no padding and is strict, so that a record has one spelling.
var phcBase64 = base64.RawStdEncoding.Strict()

func (r record) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d,keyid=%s$%s$%s", r.cost.Memory, r.cost.Time, r.cost.Threads,
		phcBase64.EncodeToString(r.pepper), phcBase64.EncodeToString(r.salt), phcBase64.EncodeToString(r.key))
}

// parseRecord parses the result of String and no other text. It checks the limits of the cost, because the Argon2 package panics on
// a cost of zero and allocates any amount of memory.
func parseRecord(phc string, minMemory uint32) (record, error) {
	var none record
	if len(phc) > maxRecord {
		return none, errRecord
	}
	rest, found := strings.CutPrefix(phc, "$argon2id$v=19$") // version 0x13 (RFC 9106 §3.2)
	parts := strings.Split(rest, "$")
	if !found || len(parts) != 3 {
		return none, errRecord
	}
	settings := strings.Split(parts[0], ",")
	if len(settings) != 4 {
		return none, errRecord
	}
	var numbers [3]uint32
	for i, name := range [...]string{"m=", "t=", "p="} {
		var ok bool
		if numbers[i], ok = phcNumber(settings[i], name); !ok {
			return none, errRecord
		}
	}
	if numbers[2] > 255 {
		return none, errRecord
	}
	r := record{cost: Cost{Memory: numbers[0], Time: numbers[1], Threads: uint8(numbers[2])}}
	if err := r.cost.check(minMemory); err != nil {
		return none, fmt.Errorf("%w: %w", errRecord, err)
	}
	keyid, found := strings.CutPrefix(settings[3], "keyid=")
	if !found {
		return none, errRecord
	}
	for _, field := range []struct {
		to       *[]byte
		text     string
		min, max int // bytes
	}{{&r.pepper, keyid, 8, 8}, {&r.salt, parts[1], 16, 48}, {&r.key, parts[2], 16, 64}} {
		raw, err := phcBase64.DecodeString(field.text)
		if err != nil || len(raw) < field.min || len(raw) > field.max || phcBase64.EncodeToString(raw) != field.text {
			return none, errRecord // the decoder ignores line ends
		}
		*field.to = raw
	}
	return r, nil
}

// phcNumber parses the positive decimal number of a setting, without sign or leading zero.
func phcNumber(setting, name string) (uint32, bool) {
	digits, found := strings.CutPrefix(setting, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	return uint32(n), true
}

// work returns how much work a hash is, to its owner and to a guesser.
func (c Cost) work() uint64 { return uint64(c.Memory) * uint64(c.Time) }

// check returns an error if the cost is out of range. A higher cost would let one sign-in block the machine.
func (c Cost) check(minMemory uint32) error {
	switch {
	case c.Memory < minMemory || c.Memory > 256<<10:
		return fmt.Errorf("a hash of %d KiB, must be %d to 262144", c.Memory, minMemory)
	case c.Time < 1 || c.Time > 10:
		return fmt.Errorf("a hash of %d passes, must be 1 to 10", c.Time)
	case c.Threads < 1 || c.Threads > 8:
		return fmt.Errorf("a hash of %d threads, must be 1 to 8", c.Threads)
	}
	return nil
}
