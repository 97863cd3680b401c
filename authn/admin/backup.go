package admin

import (
	"context"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

// RequireBackup returns Forbidden unless p may have a backup: all records of all users, though sealed. The operator may, and a token of
// the operator with SUPER_ADMIN and the allowance secrets. The token of a user never is enough.
func (p Principal) RequireBackup() error {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return err
	}
	switch {
	case p.Operator:
		return nil
	case !ownedByOperator(p.Owner):
		return errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	case !p.CanReadSecrets():
		return errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
	}
	return nil
}

// BeginBackup audits that p gets a backup, before its first byte is sent.
func (s *Service) BeginBackup(ctx context.Context, p Principal, req account.RequestInfo, detail map[string]string) error {
	if err := p.RequireBackup(); err != nil {
		return err
	}
	return s.auditBackup(ctx, req, audit.Event{Actor: p.Actor(), Action: audit.BackupCreated, Outcome: audit.Success, Detail: detail}, nil)
}

// SentBackup records the time of a backup that was sent completely.
func (s *Service) SentBackup(ctx context.Context, at time.Time) error {
	return s.Accounts.Store.Update(ctx, func(tx store.Tx) error {
		known, err := store.ReadBackups(tx)
		if err != nil || !at.After(known.Last) {
			return err
		}
		known.Last = at
		return store.SetBackups(tx, known)
	})
}

// RecordBackup audits a scheduled backup, and records its time and that such backups do not fail.
func (s *Service) RecordBackup(ctx context.Context, at time.Time, detail map[string]string) error {
	return s.auditBackup(ctx, account.RequestInfo{}, audit.Event{Actor: audit.System, Action: audit.BackupCreated, Outcome: audit.Success, Detail: detail},
		func(store.Backups) store.Backups { return store.Backups{Last: at} })
}

// RecordBackupFailure audits the first failure since the last scheduled backup, and notifies support and every SUPER_ADMIN of it.
func (s *Service) RecordBackupFailure(ctx context.Context, reason string) error {
	var known store.Backups
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		known, err = store.ReadBackups(snap)
		return err
	})
	if err != nil || !known.Failing.IsZero() {
		return err
	}
	at := s.Accounts.Now()
	err = s.auditBackup(ctx, account.RequestInfo{}, audit.Event{Actor: audit.System, Action: audit.BackupFailed, Outcome: audit.Failure, Reason: reason},
		func(known store.Backups) store.Backups { return store.Backups{Last: known.Last, Failing: at} })
	if err != nil {
		return err
	}
	return s.NotifyOperators(ctx, func(name string) notice.Notice {
		return notice.BackupFailed{Context: notice.Context{Name: name, At: at}, Last: known.Last}
	})
}

// auditBackup stores an event, and what change returns unless it is nil.
func (s *Service) auditBackup(ctx context.Context, req account.RequestInfo, event audit.Event, change func(store.Backups) store.Backups) error {
	_, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		if change != nil {
			known, err := store.ReadBackups(tx.Raw)
			if err != nil {
				return struct{}{}, err
			}
			if err := store.SetBackups(tx.Raw, change(known)); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, tx.Audit(event)
	})
	return err
}
