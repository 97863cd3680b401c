package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	probeKey    = "meta/probe"
	lowSpaceKey = "meta/lowspace"
	certKey     = "meta/certificate"
)

// Probe writes a small record, which proves that the store can write.
func Probe(ctx context.Context, s Store, now time.Time) error {
	err := s.Update(ctx, func(tx Tx) error { return tx.Put(probeKey, []byte(now.UTC().Format(time.RFC3339Nano))) })
	if err != nil {
		return fmt.Errorf("writing a probe: %w", err)
	}
	return nil
}

// IsLowSpace reports whether the operator was warned of low space and not yet informed of its end.
func IsLowSpace(r Reader) (bool, error) {
	_, err := r.Get(lowSpaceKey)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// SetLowSpace stores what IsLowSpace returns.
func SetLowSpace(tx Tx, low bool) error {
	if low {
		return tx.Put(lowSpaceKey, []byte("low"))
	}
	return tx.Delete(lowSpaceKey)
}

// CertificateProblem returns the problem of the certificate of which the operator was warned and of whose end they were not informed,
// or "".
func CertificateProblem(r Reader) (string, error) {
	problem, err := r.Get(certKey)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return string(problem), err
}

// SetCertificateProblem stores what CertificateProblem returns.
func SetCertificateProblem(tx Tx, problem string) error {
	if problem != "" {
		return tx.Put(certKey, []byte(problem))
	}
	return tx.Delete(certKey)
}
