package backup_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/internal/backup"
	"barillet/store"
)

// schedule is a schedule of an env, and what it recorded.
type schedule struct {
	*backup.Schedule
	*env
	recorded []string
	failures []error
}

func newSchedule(t *testing.T, keep, days int) *schedule {
	e := newEnv(t)
	id, err := identityOf(e.file)
	if err != nil {
		t.Fatal(err)
	}
	s := &schedule{env: e}
	s.Schedule = &backup.Schedule{Maker: e.maker, Directory: t.TempDir(), Every: 24 * time.Hour, Keep: keep, KeepDays: days, Created: id.Created,
		Log: slog.New(slog.DiscardHandler),
		Record: func(_ context.Context, name string, _ backup.Manifest) error {
			s.recorded = append(s.recorded, name)
			return nil
		},
		Failed: func(_ context.Context, err error) error { s.failures = append(s.failures, err); return nil }}
	return s
}

// must makes a backup and returns its name.
func (s *schedule) must() string {
	s.t.Helper()
	name, err := s.Make(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return name
}

// names returns the files in the directory.
func (s *schedule) names() (names []string) {
	entries, err := os.ReadDir(s.Directory)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSchedule_KeepsTheNewest(t *testing.T) {
	s := newSchedule(t, 3, 3650)
	var made []string
	for range 5 {
		made = append(made, s.must())
		s.now = s.now.Add(24 * time.Hour)
	}
	if got := s.names(); !slices.Equal(got, made[2:]) || !slices.Equal(s.recorded, made) {
		t.Errorf("the directory has %v, recorded are %v, want the last three of %v", got, s.recorded, made)
	}
	path := filepath.Join(s.Directory, made[4])
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has mode %v, %v", info.Mode(), err)
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		_, err = s.extract(raw, backup.Identities{})
	}
	if err != nil {
		t.Error(err)
	}
}

func TestSchedule_DeletesByAgeButNeverTheLastOne(t *testing.T) {
	s := newSchedule(t, 10, 7)
	old := s.must()
	s.now = s.now.AddDate(0, 0, 7)
	edge := s.must()
	if got := s.names(); !slices.Equal(got, []string{old, edge}) {
		t.Errorf("after seven days: %v", got)
	}
	s.now = s.now.AddDate(0, 0, 8)
	last := s.must()
	if got := s.names(); !slices.Equal(got, []string{last}) {
		t.Errorf("after fifteen days: %v", got)
	}
	s.now = s.now.AddDate(1, 0, 0)
	s.maker.Room = func(string, int64) error { return errors.New("full") }
	if _, err := s.Make(t.Context()); !errors.Is(err, backup.ErrNoRoom) {
		t.Errorf("on a full disk: %v", err)
	}
	if got := s.names(); !slices.Equal(got, []string{last}) {
		t.Errorf("a failure left %v, want the last good one", got)
	}
}

func TestSchedule_KeepsWhatItMadeUnderAClockThatWasSetBack(t *testing.T) {
	s := newSchedule(t, 1, 7)
	future := s.must()
	s.now = s.now.AddDate(-1, 0, 0)
	made := s.must()
	if got := s.names(); !slices.Equal(got, []string{made}) {
		t.Errorf("the directory has %v, want %s and not %s", got, made, future)
	}
}

func TestSchedule_DeletesOnlyItsOwnFiles(t *testing.T) {
	s := newSchedule(t, 1, 1)
	foreign := []string{"barillet-00000000-20200101T000000Z.backup", "barillet-00000000-20200101T000000Z.backup.part", "mine.backup", "notes.txt"}
	id := strings.Split(s.must(), "-")[1]
	foreign = append(foreign, "barillet-"+id+"-2020.backup", "barillet-"+id+"-20200101T000000Z.backup.gz")
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(s.Directory, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := "barillet-" + id + "-20200101T000000Z.backup"
	if err := os.Mkdir(filepath.Join(s.Directory, folder), 0o700); err != nil {
		t.Fatal(err)
	}
	part := "barillet-" + id + "-20200102T000000Z.backup.part"
	if err := os.WriteFile(filepath.Join(s.Directory, part), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.AddDate(1, 0, 0)
	want := append(foreign, folder, s.must())
	slices.Sort(want)
	if got := s.names(); !slices.Equal(got, want) {
		t.Errorf("the directory has\n%v, want\n%v", got, want)
	}
}

func TestSchedule_MakesOneWhenItIsDue(t *testing.T) {
	s := newSchedule(t, 10, 3650)
	for _, step := range []struct {
		after time.Duration
		want  int // backups in all
	}{{0, 1}, {0, 1}, {23 * time.Hour, 1}, {time.Hour, 2}, {72 * time.Hour, 3}, {-100 * 24 * time.Hour, 4}} {
		s.now = s.now.Add(step.after)
		wait := backup.Tick(s.Schedule, t.Context())
		if len(s.recorded) != step.want || wait <= 0 || wait > time.Minute {
			t.Errorf("after %v: %d backups, want %d; waits %v", step.after, len(s.recorded), step.want, wait)
		}
	}
	if err := os.RemoveAll(s.Directory); err != nil {
		t.Fatal(err)
	}
	if wait := backup.Tick(s.Schedule, t.Context()); len(s.failures) != 1 || wait != 15*time.Minute {
		t.Errorf("without its directory: failures %v, waits %v", s.failures, wait)
	}
	if _, err := os.Stat(s.Directory); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory is made: %v", err)
	}
}

func TestSchedule_EncryptsItsFiles(t *testing.T) {
	s := newSchedule(t, 1, 1)
	var mine backup.Identities
	s.maker.Recipients, mine = x25519(t)
	raw, err := os.ReadFile(filepath.Join(s.Directory, s.must()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.extract(raw, backup.Identities{}); !errors.Is(err, backup.ErrNoIdentity) {
		t.Errorf("without an identity: %v", err)
	}
	if _, err := s.extract(raw, mine); err != nil {
		t.Error(err)
	}
}

// A later process goes on from what a process leaves that ended after a step.
func TestSchedule_AKillAtAnyStepLosesNoBackup(t *testing.T) {
	for _, step := range []string{"spooled", "written", "named", "recorded", "pruned"} {
		s := newSchedule(t, 1, 3650)
		first := s.must()
		s.now = s.now.Add(24 * time.Hour)
		func() {
			defer func() {
				if met := recover(); met != step {
					t.Fatalf("step %s did not come: %v", step, met)
				}
			}()
			backup.KillAt(s.Schedule, step)
			_, err := s.Make(t.Context())
			t.Errorf("%s: Make returned %v", step, err)
		}()
		complete := slices.DeleteFunc(s.names(), func(name string) bool { return strings.HasSuffix(name, ".part") })
		if len(complete) == 0 {
			t.Errorf("%s: no backup is left", step)
		}
		for _, name := range complete {
			raw, err := os.ReadFile(filepath.Join(s.Directory, name))
			if err == nil {
				_, err = s.extract(raw, backup.Identities{})
			}
			if err != nil {
				t.Errorf("%s: %s: %v", step, name, err)
			}
		}
		backup.KillAt(s.Schedule, "")
		if err := s.maker.RemoveSpools(); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(time.Hour)
		last := s.must()
		if got := s.names(); !slices.Equal(got, []string{last}) {
			t.Errorf("%s: the next one leaves %v, want %s, and not %s", step, got, last, first)
		}
		if found, err := s.spools(); len(found) != 0 {
			t.Errorf("%s: the data directory keeps %v, %v", step, found, err)
		}
	}
}

func TestLast_IsWhatTheStoreRecords(t *testing.T) {
	e := newEnv(t)
	if at, ok, err := backup.Last(t.Context(), e.file); ok || err != nil {
		t.Errorf("before a backup: %v, %v", at, err)
	}
	err := e.file.Update(t.Context(), func(tx store.Tx) error { return store.SetBackups(tx, store.Backups{Last: e.now}) })
	if at, ok, read := backup.Last(t.Context(), e.file); !ok || !at.Equal(e.now) || err != nil || read != nil {
		t.Errorf("got %v, %v, %v, %v", at, ok, err, read)
	}
}
