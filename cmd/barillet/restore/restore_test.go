package restore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/generation"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/audit"
	"barillet/internal/backup"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// fixture is a service with a backup, what was exported from it later, and an empty place for the restored one.
type fixture struct {
	*authntest.Garage
	dir  string // with the backup, its key file, the head and the log
	data string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir := storetest.Dir(t)
	keys, err := store.CreateKeyFile(filepath.Join(dir, "key"))
	must(t, err)
	f := &fixture{Garage: authntest.NewGarageWith(t, keys), dir: dir, data: filepath.Join(dir, "data")}
	maker := &backup.Maker{Copy: f.Bolt().CopyTo, Keys: func() store.RootKeys { return f.Keys }, Dir: f.dir, Program: "test", Now: f.Clock.Now,
		Room: func(string, int64) error { return nil }}
	spool, err := maker.Spool(t.Context())
	must(t, err)
	file, err := os.Create(f.path("backup"))
	must(t, err)
	must(t, errors.Join(spool.Write(t.Context(), file), spool.Close(), file.Close()))
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

// export writes the log and its head.
func (f *fixture) export(t *testing.T) {
	t.Helper()
	log := f.Directory.Admin.Tree
	must(t, log.Advance(t.Context()))
	head, err := log.NewestHead(t.Context())
	must(t, err)
	must(t, os.WriteFile(f.path("head"), []byte(head), 0o600))
	var out bytes.Buffer
	for after, first := "", true; first || after != ""; first = false {
		entries, next, err := log.Entries(t.Context(), 0, after)
		must(t, err)
		for _, e := range entries {
			line, err := json.Marshal(e)
			must(t, err)
			out.Write(append(line, '\n'))
		}
		after = next
	}
	must(t, os.WriteFile(f.path("log"), out.Bytes(), 0o600))
}

// job returns a restore of the backup, by the log or without it.
func (f *fixture) job(t *testing.T, withLog bool) *job {
	t.Helper()
	j := &job{conf: &config.Config{Data: f.data, KeyFile: f.path("key")}, file: f.path("backup"), applied: func(r *generation.Renewal) { r.Applied = func(audit.Event, bool) {} }}
	if withLog {
		j.log, j.head = f.path("log"), f.path("head")
	}
	j.open = func(_ context.Context, _ *config.Config, file *bolt.Store, root store.RootKeys) (*generation.Renewal, func() error, error) {
		e := authntest.Opened(t, file, root, f.Clock.Now())
		return &generation.Renewal{Accounts: e.Accounts, Tree: e.Directory.Admin.Tree, Hooks: e.Hooks, SigningKeys: keys.Algorithms,
			Clients: client.New(client.Config{Store: e.Store, Keyring: e.Ring, Accounts: e.Accounts, Now: f.Clock.Now}),
			Clear:   file.Clear, Actor: authntest.AsOperator.Actor()}, file.Close, nil
	}
	return j
}

// restored opens the restored store.
func (f *fixture) restored(t *testing.T) *authntest.Env {
	t.Helper()
	file, err := bolt.Open(filepath.Join(f.data, datadir.StoreName), bolt.Options{Check: true})
	must(t, err)
	t.Cleanup(func() { file.Close() })
	return authntest.Opened(t, file, f.Keys, f.Clock.Now())
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

var errKilled = errors.New("killed")

func TestRun_BeginsAgainAfterAKillAtEachStep(t *testing.T) {
	for _, withLog := range []bool{true, false} {
		f := newFixture(t)
		must(t, f.Directory.Suspend(t.Context(), authntest.AsOperator, f.From, authntest.Technician))
		f.export(t)
		var want generation.Report
		for at, step := range []string{"extract", "renew", "rename", ""} {
			j := f.job(t, withLog)
			var left []string
			j.testingOnlyStep = func(name string) error {
				if name != step {
					return nil
				}
				left = names(t, f.data) // what a kill leaves
				saved := storetest.Dir(t)
				must(t, os.CopyFS(filepath.Join(saved, "data"), os.DirFS(f.data)))
				f.data = filepath.Join(saved, "data")
				return errKilled
			}
			err := j.run(t.Context())
			if step != "" {
				if !errors.Is(err, errKilled) || slices.Contains(left, datadir.StoreName) {
					t.Fatalf("killed before %s: %v, left %q", step, err, left)
				}
				if at > 0 && !slices.Contains(left, workName) {
					t.Errorf("killed before %s: left %q, want the unfinished store", step, left)
				}
				continue
			}
			must(t, err)
			want = j.report
		}
		if want.Generation != 1 || want.Users != 3 {
			t.Errorf("the report is %+v, want generation 1 and 3 users", want)
		}
		if got := names(t, f.data); !slices.Equal(got, []string{datadir.StoreName}) {
			t.Errorf("the data directory has %q, want the store alone", got)
		}
		e := f.restored(t)
		if status := e.User(authntest.Technician).Status; withLog != (status == account.StatusSuspended) {
			t.Errorf("with a log (%t): the user is %s", withLog, status)
		}
	}
}

func TestRun_RestoresAServiceThatVerifiesOlderHeads(t *testing.T) {
	f := newFixture(t)
	f.SignIn(authntest.Technician, authntest.Password, f.Phone)
	f.export(t)
	must(t, f.job(t, true).run(t.Context()))
	e := f.restored(t)
	head, err := os.ReadFile(f.path("head"))
	must(t, err)
	report, err := e.Directory.Admin.Tree.Verify(t.Context(), string(head))
	if err != nil || report.Bad != nil || report.Unsigned != 0 || report.Pending != 0 {
		t.Errorf("verifying with the head of before: %+v, %v", report, err)
	}
	if events := e.Events(audit.StoreRestored); len(events) != 1 || events[0].Detail["generation"] != "1" {
		t.Errorf("events of the restore: %v", events)
	}
	e.Clock.Advance(3 * time.Minute)
	f.Phone.Env = e
	e.SignIn(authntest.Technician, authntest.Password, f.Phone) // a later step
}

func TestRun_RefusesBeforeItWrites(t *testing.T) {
	f := newFixture(t)
	f.export(t)
	for name, c := range map[string]struct {
		change func(j *job)
		want   string
	}{
		"another key file": {func(j *job) {
			_, err := store.CreateKeyFile(f.path("other"))
			must(t, err)
			j.conf.KeyFile = f.path("other")
		}, "key"},
		"no key file":                 {func(j *job) { j.conf.KeyFile = f.path("none") }, "no key file"},
		"something that is no backup": {func(j *job) { j.file = f.path("log") }, "not a backup"},
		"a store in the directory": {func(j *job) {
			must(t, os.MkdirAll(f.data, 0o700))
			must(t, os.WriteFile(filepath.Join(f.data, datadir.StoreName), []byte("x"), 0o600))
		}, "has a store"},
		"another file in the directory": {func(j *job) {
			must(t, os.MkdirAll(f.data, 0o700))
			must(t, os.WriteFile(filepath.Join(f.data, "notes.txt"), []byte("x"), 0o600))
		}, "contains notes.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, os.RemoveAll(f.data))
			j := f.job(t, true)
			c.change(j)
			before := names(t, f.data)
			err := j.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if after := names(t, f.data); !slices.Equal(before, after) {
				t.Errorf("the directory has %q, had %q", after, before)
			}
		})
	}
}

func TestRun_RefusesALogThatDoesNotLeadToTheHead(t *testing.T) {
	f := newFixture(t)
	f.SignIn(authntest.Technician, authntest.Password, f.Phone)
	f.export(t)
	log, err := os.ReadFile(f.path("log"))
	must(t, err)
	lines := bytes.SplitAfter(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
	for name, changed := range map[string][][]byte{
		"cut":     lines[:len(lines)-1],
		"altered": append(slices.Clone(lines[:len(lines)-1]), bytes.Replace(lines[len(lines)-1], []byte("amelie"), []byte("emilie"), 1)),
		"garbage": append(slices.Clone(lines), []byte("garbage")),
		"empty":   nil,
	} {
		must(t, os.WriteFile(f.path("log"), bytes.Join(changed, nil), 0o600))
		if err := f.job(t, true).run(t.Context()); err == nil || !strings.Contains(err.Error(), "does not lead") {
			t.Errorf("a log that is %s: got %v, want a refusal", name, err)
		}
		if got := names(t, f.data); len(got) > 0 {
			t.Errorf("a log that is %s: left %q", name, got)
		}
	}
	slices.Reverse(lines)
	lines[0] = append(lines[0], '\n')
	must(t, os.WriteFile(f.path("log"), bytes.Join(lines, nil), 0o600))
	if err := f.job(t, true).run(t.Context()); err != nil {
		t.Errorf("a log in another order: %v", err)
	}
}

func TestCommand_NeedsAChoice(t *testing.T) {
	for args, want := range map[string]string{"": "either --log and --head, or --accept-lost", "--log x": "belong together", "--accept-lost --log x --head y": "cannot be combined"} {
		p := &cli.Program{Stdin: bufio.NewReader(nil), Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Zone: time.UTC}
		c := Command(p, nil)
		c.SilenceUsage, c.SilenceErrors = true, true
		dir := t.TempDir()
		c.SetArgs(append([]string{"backup", "--data", dir}, strings.Fields(args)...))
		err := c.ExecuteContext(t.Context())
		if _, usage := errors.AsType[*cli.UsageError](err); !usage || !strings.Contains(err.Error(), want) {
			t.Errorf("restore %s: got %v, want a usage error with %q", args, err, want)
		}
		if got := names(t, dir); len(got) > 0 {
			t.Errorf("restore %s wrote %q", args, got)
		}
	}
}
