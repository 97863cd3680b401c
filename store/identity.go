package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Identity tells one store from another. It is in clear in each store, and contains no secret.
type Identity struct {
	Format  int
	Created time.Time
	Master  string // ids of the root keys
	Pepper  string
}

// IdentityOf returns the identity of the store, without a key. The error wraps ErrNewer for a newer format.
func IdentityOf(r Reader) (Identity, error) {
	raw, err := r.Get(formatKey)
	if errors.Is(err, ErrNotFound) {
		return Identity{}, errors.New("format record is missing: not a Barillet store, or a damaged one")
	}
	if err != nil {
		return Identity{}, err
	}
	var head header
	if err := json.Unmarshal(raw, &head); err != nil {
		return Identity{}, fmt.Errorf("reading the format record: %w", err)
	}
	if head.Format > Format {
		return Identity{}, fmt.Errorf("format is %d, want at most %d: %w", head.Format, Format, ErrNewer)
	}
	return Identity{Format: head.Format, Created: head.Created, Master: head.Master, Pepper: head.Pepper}, nil
}
