package store

import (
	"context"
	"fmt"
)

// SealedReport is the result of CheckSealed.
type SealedReport struct {
	Records int
	Damaged int    // records that cannot be decrypted
	First   string // the table of the first of them
}

// CheckSealed decrypts each sealed record, in small Views, and reports those that cannot be decrypted. It writes nothing.
func (r *Keyring) CheckSealed(ctx context.Context, s Store) (report SealedReport, err error) {
	for _, kind := range TableDefs() {
		for after, more := "", kind.Sealed; more; {
			err := s.View(ctx, func(snap Snapshot) error {
				more = false
				return snap.Scan(kind.Prefix, after, scanBatch, func(key string, sealed []byte) error {
					after, more = key, true
					r.checkSealed(&report, kind, key, sealed)
					return nil
				})
			})
			if err != nil {
				return report, fmt.Errorf("reading the table %s: %w", kind.Prefix, err)
			}
		}
	}
	return report, nil
}

func (r *Keyring) checkSealed(report *SealedReport, kind TableDef, key string, sealed []byte) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	report.Records++
	if _, _, err := r.open(s, key, sealed); err == nil {
		return
	}
	if report.Damaged++; report.First == "" {
		report.First = kind.Prefix
	}
}
