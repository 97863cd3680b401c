package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// record is one stored hash in the Hash string format:
// $argon2id$v=19$m=19456,t=2,p=1,keyid=<pepper>$<salt>$<key>. The parameter keyid is the format's own.
type record struct {
	cost   Cost
	pepper []byte // 8 bytes: the id of the pepper, no secret
	salt   []byte
	key    []byte
}

const maxRecord = 256 // characters; ours are below 130

var errRecord = errors.New("not a password hash of this program")

// unpadded, and strict: one record has one spelling.
var phcBase64 = base64.RawStdEncoding.Strict()

func (r record) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d,keyid=%s$%s$%s", r.cost.Memory, r.cost.Time, r.cost.Threads,
		phcBase64.EncodeToString(r.pepper), phcBase64.EncodeToString(r.salt), phcBase64.EncodeToString(r.key))
}

// parseRecord reads what String wrote and nothing else. The bounds are judged here because Argon2
// itself panics on a cost of zero and would take any amount of memory that a damaged record names.
func parseRecord(phc string, minMemory uint32) (record, error) {
	var none record
	if len(phc) > maxRecord {
		return none, errRecord
	}
	rest, found := strings.CutPrefix(phc, "$argon2id$v=19$") // 19 = 0x13: RFC 9106 section 3.2
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
		to          *[]byte
		text        string
		least, most int // bytes
	}{{&r.pepper, keyid, 8, 8}, {&r.salt, parts[1], 16, 48}, {&r.key, parts[2], 16, 64}} {
		raw, err := phcBase64.DecodeString(field.text)
		if err != nil || len(raw) < field.least || len(raw) > field.most || phcBase64.EncodeToString(raw) != field.text {
			return none, errRecord // the last condition: the decoder skips line ends
		}
		*field.to = raw
	}
	return r, nil
}

// phcNumber reads a positive decimal in its one spelling, without sign or leading zero.
func phcNumber(setting, name string) (uint32, bool) {
	digits, found := strings.CutPrefix(setting, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	return uint32(n), true
}

// check bounds a cost: below, a hash is too cheap; above, one sign-in would hold the machine.
func (c Cost) check(minMemory uint32) error {
	switch {
	case c.Memory < minMemory || c.Memory > 256<<10:
		return fmt.Errorf("a hash of %d KiB, it must be %d to 262144", c.Memory, minMemory)
	case c.Time < 1 || c.Time > 10:
		return fmt.Errorf("a hash of %d passes, it must be 1 to 10", c.Time)
	case c.Threads < 1 || c.Threads > 8:
		return fmt.Errorf("a hash of %d threads, it must be 1 to 8", c.Threads)
	}
	return nil
}
