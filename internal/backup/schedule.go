package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"barillet/store"
)

// Schedule makes a backup in a directory at regular times, and deletes old ones.
type Schedule struct {
	Maker     *Maker
	Directory string // exists: a disk that is not mounted must not be replaced by an empty directory
	Every     time.Duration
	Keep      int       // number of backups; at least 1
	KeepDays  int       // 0: of any age
	Created   time.Time // of the store

	Record func(ctx context.Context, name string, m Manifest) error // records a complete backup
	Failed func(ctx context.Context, err error) error               // records a failure
	Log    *slog.Logger

	testingOnlyStep func(name string) // called after each step of a backup, for a kill there
}

const (
	pollInterval  = time.Minute // the clock can jump, and the host can sleep
	retryInterval = 15 * time.Minute
)

// Run makes each backup that is due until ctx ends. After a failure it tries again.
func (s *Schedule) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(s.tick(ctx))
	}
}

// tick makes a backup if one is due, and returns how long to wait.
func (s *Schedule) tick(ctx context.Context) time.Duration {
	due, err := s.due()
	if err == nil && !due {
		return pollInterval
	}
	if err == nil {
		_, err = s.Make(ctx)
	}
	if err == nil || ctx.Err() != nil {
		return pollInterval
	}
	s.Log.Error("making a scheduled backup", "directory", s.Directory, "error", err)
	if err := s.Failed(ctx, err); err != nil {
		s.Log.Error("recording that a scheduled backup failed", "error", err)
	}
	return min(s.Every, retryInterval)
}

// due reports whether the newest backup in the directory is as old as the interval, or there is none. One that a wrong clock made does
// not count.
func (s *Schedule) due() (bool, error) {
	complete, _, err := listFiles(s.Directory, storeID(s.Created))
	if err != nil {
		return false, err
	}
	now := s.Maker.Now()
	for _, f := range complete {
		if !f.at.After(now) {
			return now.Sub(f.at) >= s.Every, nil
		}
	}
	return true, nil
}

// Make makes a backup now and returns its name. The file gets the name when it is complete, durable and verified. Only then are old ones
// deleted.
func (s *Schedule) Make(ctx context.Context) (name string, err error) {
	id := storeID(s.Created)
	_, unfinished, err := listFiles(s.Directory, id)
	for _, part := range unfinished { // of a killed process, so that a full disk has room again
		err = errors.Join(err, os.Remove(filepath.Join(s.Directory, part)))
	}
	if err != nil {
		return "", err
	}
	spool, err := s.Maker.Spool(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	s.step("spooled")
	name = filePrefix + id + "-" + spool.Manifest.At.UTC().Format(fileTime) + fileSuffix
	path := filepath.Join(s.Directory, name)
	if err = s.write(ctx, spool, path+partSuffix); err == nil {
		s.step("written")
		err = os.Rename(path+partSuffix, path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("writing %s: %w", path, err), remove(path+partSuffix))
	}
	s.step("named")
	if err := store.SyncDir(s.Directory); err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	if err := s.Record(ctx, name, spool.Manifest); err != nil {
		return "", fmt.Errorf("recording the backup: %w", err)
	}
	s.step("recorded")
	if err := prune(s.Directory, id, name, s.Keep, s.KeepDays, s.Maker.Now()); err != nil {
		return "", err
	}
	s.step("pruned")
	return name, nil
}

func (s *Schedule) step(name string) {
	if s.testingOnlyStep != nil {
		s.testingOnlyStep(name)
	}
}

// write writes a backup to a new file and reads it again.
func (s *Schedule) write(ctx context.Context, spool *Spool, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := &store.PacedWriter{Context: ctx, File: f, Left: spool.maxSize(), Needs: func(bytes int64) error { return s.Maker.room(s.Directory, bytes) }}
	sum := newSummed(w)
	if err = w.Check(); err == nil {
		buffered := bufio.NewWriterSize(sum, 256<<10)
		err = errors.Join(spool.Write(ctx, buffered), buffered.Flush())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return s.verify(ctx, spool, path, sum.sum())
}

// verify reads what is in the file. Without the secret key, an encrypted backup can only be compared with what was written.
func (s *Schedule) verify(ctx context.Context, spool *Spool, path, written string) error {
	found, _, err := sumFile(ctx, path)
	if err == nil && found != written {
		err = errors.New("the file does not have what was written")
	}
	if err != nil || spool.Encrypted() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := Open(f, s.Maker.Keys(), Identities{})
	if err != nil {
		return err
	}
	return b.Verify(ctx)
}
