package store

import "fmt"

// CheckKey returns an error that wraps ErrLimit if a key is not within the limits. The error does not contain the key.
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

// CheckValue returns an error that wraps ErrLimit if a value is not within the limits.
func CheckValue(value []byte) error {
	if len(value) == 0 || len(value) > MaxValue {
		return fmt.Errorf("value of %d bytes, want 1 to %d: %w", len(value), MaxValue, ErrLimit)
	}
	return nil
}

// Budget counts the keys and bytes of one run of an Update. Each back-end uses one for each run, so that all have the
// same limits. The first error stays: an Update whose closure ignores it fails. The zero value has counted nothing.
type Budget struct {
	touched map[string]int // bytes of the last write of the key; 0: only read
	bytes   int
	err     error
}

// Read counts a read of a key.
func (b *Budget) Read(key string) error {
	return b.count(key, 0)
}

// Write counts a write of a key, or its deletion if value is empty. A second write of a key replaces the first.
func (b *Budget) Write(key string, value []byte) error {
	return b.count(key, len(key)+len(value))
}

// Err returns the first error, or nil.
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

// Refuse keeps an error that the caller found, such as that of CheckValue, and returns the first error.
func (b *Budget) Refuse(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// Bytes returns the bytes of keys and values that the Update writes.
func (b *Budget) Bytes() int { return b.bytes }
