package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const generationKey = "meta/generation"

// Generation identifies what a store continues. The zero value is that of a store that was never restored. Each restored store is
// a new generation (protocol rule 33).
type Generation struct {
	Number uint64    `json:"number"`
	At     time.Time `json:"at"` // of the restore
}

// GenerationOf returns the generation of a store.
func GenerationOf(r Reader) (g Generation, err error) {
	raw, err := r.Get(generationKey)
	if errors.Is(err, ErrNotFound) {
		return Generation{}, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &g)
	}
	if err != nil {
		return Generation{}, fmt.Errorf("reading the generation of the store: %w", err)
	}
	return g, nil
}

// SetGeneration stores what GenerationOf returns.
func SetGeneration(tx Tx, g Generation) error {
	raw, err := json.Marshal(g)
	if err == nil {
		err = tx.Put(generationKey, raw)
	}
	if err != nil {
		return fmt.Errorf("storing the generation of the store: %w", err)
	}
	return nil
}
