// Package restore makes a data directory from a backup: the command barillet restore. Package authn/generation decides what a restored
// store no longer has (protocol rule 33). Until the last step the directory is no data directory, so a kill at any point leaves
// nothing that a service opens, and the next run begins again.
package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"barillet/authn/generation"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/audit/tree"
	"barillet/internal/backup"
	"barillet/internal/diskspace"
	"barillet/store"
	"barillet/store/bolt"
)

// The names of the files of an unfinished restore, in the data directory.
const (
	workName   = datadir.StoreName + ".restore"
	hashesName = workName + ".hashes"
	lockName   = workName + ".lock"
)

// Opener opens an unfinished store. closing closes it, and makes it durable.
type Opener func(ctx context.Context, conf *config.Config, file *bolt.Store, keys store.RootKeys) (r *generation.Renewal, closing func() error, err error)

// job is one restore.
type job struct {
	conf       *config.Config
	open       Opener
	file       string // the backup
	identities string
	log, head  string // files; empty: --accept-lost

	manifest backup.Manifest
	report   generation.Report
	imported *tree.Imported
	applied  func(*generation.Renewal)

	testingOnlyStep func(name string) error // called before each step, for a kill there
}

// run restores the backup.
func (j *job) run(ctx context.Context) error {
	keys, err := store.ReadKeyFile(j.conf.KeyFile)
	if err != nil {
		return cli.WithHint(err, "restore needs the key file of the service that made the backup: --key-file names it")
	}
	if err := j.checkTarget(); err != nil {
		return err
	}
	b, closing, err := j.openBackup(keys)
	if err != nil {
		return err
	}
	defer closing()
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err = j.removeWork(); err == nil {
		err = j.make(ctx, b, keys)
	}
	if err != nil {
		return errors.Join(err, j.removeWork())
	}
	return nil
}

// path returns the path of a file in the data directory.
func (j *job) path(name string) string { return filepath.Join(j.conf.Data, name) }

// step calls the hook of a test.
func (j *job) step(name string) error {
	if j.testingOnlyStep == nil {
		return nil
	}
	return j.testingOnlyStep(name)
}

// checkTarget returns an error unless the data directory is missing or has nothing that a restore could replace.
func (j *job) checkTarget() error {
	entries, err := os.ReadDir(j.conf.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading data directory: %w", err)
	}
	harmless := []string{config.KeyName, filepath.Base(j.conf.KeyFile), "lost+found", diskspace.ReserveName, workName, workName + ".open", hashesName, lockName}
	for _, e := range entries {
		switch {
		case e.Name() == datadir.StoreName:
			return cli.WithHint(fmt.Errorf("data directory %s has a store", j.conf.Data),
				"stop the service, and move %s to another directory: restore does not overwrite it", j.path(datadir.StoreName))
		case !slices.Contains(harmless, e.Name()):
			return cli.WithHint(fmt.Errorf("data directory %s contains %s", j.conf.Data, e.Name()), "restore into an empty directory, or one with the key file alone")
		}
	}
	return nil
}

// openBackup reads the manifest of the backup, which is authentic then.
func (j *job) openBackup(keys store.RootKeys) (b *backup.Backup, closing func(), err error) {
	var identities backup.Identities
	if j.identities != "" {
		if identities, err = backup.ReadIdentities(j.identities); err != nil {
			return nil, nil, err
		}
	}
	f, err := os.Open(j.file)
	if err != nil {
		return nil, nil, fmt.Errorf("opening backup: %w", err)
	}
	if b, err = backup.Open(f, keys, identities); err != nil {
		f.Close()
		return nil, nil, withRemedy(fmt.Errorf("%s: %w", j.file, err), j.conf)
	}
	j.manifest = b.Manifest
	return b, func() { f.Close() }, nil
}

// withRemedy adds a hint to the error of a backup that does not open.
func withRemedy(err error, conf *config.Config) error {
	switch {
	case errors.Is(err, store.ErrWrongKey):
		return cli.WithHint(err, "%s is the key file of another service: use the copy of the one that made the backup", conf.KeyFile)
	case errors.Is(err, store.ErrNewer):
		return cli.WithHint(err, "restore it with the version that made it, or a newer one")
	case errors.Is(err, backup.ErrNoIdentity):
		return cli.WithHint(err, "--identity names the file with the age identity")
	}
	return err
}

// lock creates the data directory and prevents that two restores use it. The lock ends with the process.
func (j *job) lock() (unlock func(), err error) {
	if err := os.MkdirAll(j.conf.Data, 0o700); err != nil {
		return nil, fmt.Errorf("creating data directory: %w", err)
	}
	f, err := os.OpenFile(j.path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking data directory %s: another restore uses it: %w", j.conf.Data, err)
	}
	return func() {
		os.Remove(j.path(lockName))
		f.Close()
	}, nil
}

// removeWork removes what an unfinished restore left.
func (j *job) removeWork() error {
	for _, name := range []string{workName, workName + ".open", hashesName} {
		if err := os.Remove(j.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an unfinished restore: %w", err)
		}
	}
	return nil
}

// make makes the store under a temporary name, and gives it its name at the end.
func (j *job) make(ctx context.Context, b *backup.Backup, keys store.RootKeys) error {
	err := j.step("extract")
	if err == nil {
		err = b.Extract(ctx, j.path(workName))
	}
	if err == nil {
		err = j.step("renew")
	}
	if err == nil {
		err = j.renew(ctx, keys)
	}
	if err == nil {
		err = j.step("rename")
	}
	if err == nil {
		err = os.Remove(j.path(hashesName))
	}
	if err == nil {
		err = os.Rename(j.path(workName), j.path(datadir.StoreName))
	}
	if err == nil {
		err = j.step("sync")
	}
	if err == nil {
		err = store.SyncDir(j.conf.Data)
	}
	if err != nil {
		return fmt.Errorf("restoring %s: %w", j.file, err)
	}
	return nil
}

// renew imports the log and makes the store a new generation.
func (j *job) renew(ctx context.Context, keys store.RootKeys) (err error) {
	file, err := bolt.Open(j.path(workName), bolt.Options{Check: true, Unsynced: true})
	if err != nil {
		return err
	}
	renewal, closing, err := j.open(ctx, j.conf, file, keys)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	defer func() { err = errors.Join(err, closing()) }()
	if err := j.importLog(ctx, renewal.Tree); err != nil {
		return err
	}
	j.applied(renewal)
	j.report, err = renewal.Run(ctx, generation.Source{At: j.manifest.At, Entries: j.manifest.AuditSize, Log: j.imported})
	if err != nil {
		return err
	}
	return renewal.Tree.Advance(ctx)
}

// importLog imports the log since the backup, if there is one.
func (j *job) importLog(ctx context.Context, log *tree.Tree) error {
	scratch, err := os.OpenFile(j.path(hashesName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating a file for hashes: %w", err)
	}
	defer scratch.Close()
	if j.log == "" {
		return nil
	}
	head, err := os.ReadFile(j.head)
	if err != nil {
		return fmt.Errorf("reading head: %w", err)
	}
	entries, err := os.Open(j.log)
	if err != nil {
		return fmt.Errorf("opening log: %w", err)
	}
	defer entries.Close()
	done, err := log.Import(ctx, entries, string(head), scratch)
	if errors.Is(err, tree.ErrNotContinuation) || errors.Is(err, tree.ErrHead) {
		return cli.WithHint(fmt.Errorf("%s: %w", j.log, err),
			"first barillet audit head --out HEAD, then barillet audit export --out LOG, both of the service that made the backup; or --accept-lost")
	}
	j.imported = &done
	return err
}
