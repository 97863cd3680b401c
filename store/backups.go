package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// backupsKey is a record in clear: it has no secret, and a monitor reads it with any key.
const backupsKey = "meta/backup"

// Backups is what a store knows of its backups. The zero value means that none was made.
type Backups struct {
	Last    time.Time `json:"last,omitzero"`    // of the last complete backup
	Failing time.Time `json:"failing,omitzero"` // since when scheduled backups fail; zero: they do not
}

// ReadBackups returns what SetBackups stored.
func ReadBackups(r Reader) (Backups, error) {
	var b Backups
	raw, err := r.Get(backupsKey)
	if errors.Is(err, ErrNotFound) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &b)
	}
	if err != nil {
		return Backups{}, fmt.Errorf("reading the record of the last backup: %w", err)
	}
	return b, nil
}

// SetBackups stores what ReadBackups returns.
func SetBackups(tx Tx, b Backups) error {
	b.Last, b.Failing = b.Last.UTC(), b.Failing.UTC()
	raw, err := json.Marshal(b)
	if err == nil {
		err = tx.Put(backupsKey, raw)
	}
	if err != nil {
		return fmt.Errorf("writing the record of the last backup: %w", err)
	}
	return nil
}
