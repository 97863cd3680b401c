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
