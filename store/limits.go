package store

import "fmt"

// CheckKey tells whether a key is within the limits; the error wraps ErrLimit and does not show the key.
func CheckKey(key string) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("key of %d bytes, want 1 to %d: %w", len(key), MaxKey, ErrLimit)
	}
	for i := 0; i < len(key); i++ {
		if key[i] < 0x21 || key[i] > 0x7E {
			return fmt.Errorf("key with byte 0x%02X at %d, want 0x21 to 0x7E: %w", key[i], i, ErrLimit)
		}
	}
	return nil
}

// CheckValue tells whether a value is within the limits; the error wraps ErrLimit.
func CheckValue(value []byte) error {
	if len(value) == 0 || len(value) > MaxValue {
		return fmt.Errorf("value of %d bytes, want 1 to %d: %w", len(value), MaxValue, ErrLimit)
	}
	return nil
}

// Budget counts what one run of an Update touches and writes. Every back-end keeps one a run, so that the
// limits are the same to the byte. A refusal stays: a closure that swallows it fails all the same.
// The zero value is an unspent budget.
type Budget struct {
	touched map[string]int // bytes that the last write of the key will store; 0: only read
	bytes   int
	err     error
}

// Read counts the reading of a key.
func (b *Budget) Read(key string) error {
	return b.count(key, 0)
}

// Write counts the writing of a key, or its deletion (an empty value). A second write replaces the first.
func (b *Budget) Write(key string, value []byte) error {
	return b.count(key, len(key)+len(value))
}

// Err is the first refusal, or nil.
func (b *Budget) Err() error { return b.err }

func (b *Budget) count(key string, size int) error {
	if b.err != nil {
		return b.err
	}
	if b.err = CheckKey(key); b.err != nil {
		return b.err
	}
	before, seen := b.touched[key]
	if !seen && len(b.touched) == MaxUpdateKeys {
		b.err = fmt.Errorf("update touches more than %d keys: %w", MaxUpdateKeys, ErrLimit)
		return b.err
	}
	if size == 0 {
		size = before
	}
	if b.bytes+size-before > MaxUpdateSize {
		b.err = fmt.Errorf("update writes more than %d bytes: %w", MaxUpdateSize, ErrLimit)
		return b.err
	}
	if b.touched == nil {
		b.touched = make(map[string]int, 8)
	}
	b.touched[key] = size
	b.bytes += size - before
	return nil
}

// Refuse records a refusal found elsewhere (a value out of limits) so that it stays.
func (b *Budget) Refuse(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// Bytes is the size of what will be written.
func (b *Budget) Bytes() int { return b.bytes }
