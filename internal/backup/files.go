package backup

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"barillet/store"
)

// A file of a schedule is named barillet-ID-TIME.backup: the id is that of the store, the time that of the backup. An unfinished one has
// partSuffix.
const (
	filePrefix = "barillet-"
	fileSuffix = ".backup"
	partSuffix = ".part"
	fileTime   = "20060102T150405Z"
)

// storeID returns what the names of all backups of a store share.
func storeID(created time.Time) string {
	sum := sha256.Sum256([]byte(created.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:4])
}

// file is a complete backup in the directory of a schedule.
type file struct {
	name string
	at   time.Time
}

// listFiles returns the complete backups of one store, the newest first, and the names of unfinished ones.
func listFiles(dir, id string) (complete []file, unfinished []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the directory of backups: %w", err)
	}
	for _, e := range entries {
		name, isPart := strings.CutSuffix(e.Name(), partSuffix)
		at, ok := strings.CutPrefix(name, filePrefix+id+"-")
		at, hasSuffix := strings.CutSuffix(at, fileSuffix)
		when, err := time.Parse(fileTime, at)
		switch {
		case !ok || !hasSuffix || err != nil || !e.Type().IsRegular():
		case isPart:
			unfinished = append(unfinished, e.Name())
		default:
			complete = append(complete, file{name, when})
		}
	}
	sort.Slice(complete, func(i, j int) bool { return complete[i].at.After(complete[j].at) })
	return complete, unfinished, nil
}

// prune deletes the backups of a store that are not among the newest, or older than some days (0: of any age). It keeps the one that was
// just made, whatever the clock says.
func prune(dir, id, made string, keep, days int, now time.Time) error {
	complete, _, err := listFiles(dir, id)
	if err != nil {
		return err
	}
	newest := slices.IndexFunc(complete, func(f file) bool { return f.name == made })
	if newest < 0 {
		return fmt.Errorf("removing old backups: %s is missing", made)
	}
	complete = slices.Delete(complete, newest, newest+1)
	var removed bool
	for i, f := range complete {
		if i+1 < keep && (days == 0 || now.Sub(f.at) <= time.Duration(days)*24*time.Hour) {
			continue
		}
		removed = true
		err = errors.Join(err, os.Remove(filepath.Join(dir, f.name)))
	}
	if removed {
		err = cmp.Or(err, store.SyncDir(dir))
	}
	if err != nil {
		return fmt.Errorf("removing old backups: %w", err)
	}
	return nil
}
