// Package backups wires internal/backup to a data directory, and has the command that verifies a backup. Package manage has the command
// that makes one.
package backups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"barillet/authn/admin"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/backup"
	"barillet/internal/diskspace"
	"barillet/store"
)

// NewMaker returns what makes backups of an open data directory. keys returns the present root keys. It deletes what a killed process left.
func NewMaker(c *config.Config, dir *datadir.Dir, keys func() store.RootKeys, version string, now func() time.Time) (*backup.Maker, error) {
	m := &backup.Maker{Copy: dir.CopyTo, Keys: keys, Dir: c.Data, Program: version,
		Recipients: c.Backup.Recipients.Recipients, Now: now, Room: diskspace.Fits}
	return m, m.RemoveSpools()
}

// NewSchedule returns the scheduled backups of a service, or nil without a directory.
func NewSchedule(ctx context.Context, c *config.Config, dir *datadir.Dir, m *backup.Maker, admins *admin.Service, log *slog.Logger) (*backup.Schedule, error) {
	if c.Backup.Directory == "" {
		return nil, nil
	}
	if err := checkDirectory(c); err != nil {
		return nil, err
	}
	var id store.Identity
	err := dir.Store.View(ctx, func(snap store.Snapshot) (err error) {
		id, err = store.IdentityOf(snap)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &backup.Schedule{Maker: m, Directory: c.Backup.Directory, Every: c.Backup.Every, Keep: c.Backup.Keep, KeepDays: c.Backup.KeepDays, Created: id.Created, Log: log,
		Record: func(ctx context.Context, name string, made backup.Manifest) error {
			log.Info("made a backup", "file", name, "size", store.Size(made.Size), "records", made.Records)
			return admins.RecordBackup(ctx, made.At, map[string]string{"file": name, "size": store.Size(made.Size), "records": strconv.FormatInt(made.Records, 10)})
		},
		Failed: func(ctx context.Context, err error) error {
			reason := "failed"
			if errors.Is(err, backup.ErrNoRoom) {
				reason = "no_room"
			}
			return admins.RecordBackupFailure(ctx, reason)
		}}, nil
}

// checkDirectory refuses the data directory: its disk would be lost with the backups.
func checkDirectory(c *config.Config) error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("backup.directory: %w", err)
	}
	directory, err := filepath.Abs(c.Backup.Directory)
	if err != nil {
		return fmt.Errorf("backup.directory: %w", err)
	}
	if directory == data {
		return errors.New("backup.directory is the data directory: name one on another disk")
	}
	return nil
}
