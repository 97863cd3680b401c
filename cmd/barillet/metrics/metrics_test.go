package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barillet/authn/password"
	"barillet/cmd/barillet/metrics"
	"barillet/internal/audit"
	"barillet/internal/diskspace"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/bolt"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// fixture is what a service measures, on a real store.
type fixture struct {
	*metrics.Metrics
	t        *testing.T
	file     *bolt.Store
	refusals throttle.Refusals
	reads    atomic.Int64 // records that Views got
}

func open(t *testing.T, change func(s *metrics.Source)) *fixture {
	t.Helper()
	dir, keys := t.TempDir(), store.NewRootKeys()
	file, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	f := &fixture{t: t, file: file}
	ring, err := store.OpenKeyring(t.Context(), file, keys, start)
	if err != nil {
		t.Fatal(err)
	}
	space, err := diskspace.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.NewHasher(keys.Pepper, password.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return start }
	counted := &countingStore{file, &f.reads}
	mails := &mail.Sender{Store: counted, Outbox: mail.NewOutbox(ring, "login.example"), Now: now, Log: log}
	hooks := &webhook.Sender{Store: counted, Hooks: webhook.NewEndpoints(ring), Now: now, Log: log}
	source := metrics.Source{Version: "test", Now: now, Store: counted, Log: log, Usage: file.Usage, Space: space.State, Hashes: hasher.Load,
		Mail: mails.Depth, Webhooks: hooks.Depth, Refusals: f.refusals.Counts, Connections: func() (int, uint64) { return 3, 4 },
		DamagedRecords: ring.DamagedRecords, AuditCovered: func() time.Time { return time.Time{} }, Contradicted: func() bool { return false }}
	if change != nil {
		change(&source)
	}
	f.Metrics = metrics.New(source)
	return f
}

// countingStore counts the records that Views read.
type countingStore struct {
	store.Store
	reads *atomic.Int64
}

func (c *countingStore) View(ctx context.Context, fn func(store.Snapshot) error) error {
	return c.Store.View(ctx, func(s store.Snapshot) error { return fn(countingSnapshot{s, c.reads}) })
}

type countingSnapshot struct {
	store.Snapshot
	reads *atomic.Int64
}

func (c countingSnapshot) Get(key string) ([]byte, error) {
	c.reads.Add(1)
	return c.Snapshot.Get(key)
}

func (c countingSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	return c.Snapshot.Scan(prefix, after, limit, func(key string, value []byte) error {
		c.reads.Add(1)
		return fn(key, value)
	})
}

func (f *fixture) put(keys ...string) {
	f.t.Helper()
	for part := range slices.Chunk(keys, store.MaxUpdateKeys) {
		err := f.file.Update(f.t.Context(), func(tx store.Tx) error {
			var err error
			for _, key := range part {
				err = errors.Join(err, tx.Put(key, []byte{1}))
			}
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// scrape returns the lines of a scrape that are values, each by its series.
func (f *fixture) scrape() map[string]float64 {
	f.t.Helper()
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		f.t.Fatalf("got status %d: %s", w.Code, w.Body)
	}
	out := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSpace(line)
		if at := strings.LastIndexByte(line, ' '); !strings.HasPrefix(line, "#") {
			value, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				f.t.Fatalf("%s: %v", line, err)
			}
			out[line[:at]] = value
		}
	}
	return out
}

func (f *fixture) want(values map[string]float64) {
	f.t.Helper()
	got := f.scrape()
	for series, value := range values {
		if v, there := got[series]; !there || v != value {
			f.t.Errorf("%s: got %v (there: %t), want %v", series, v, there, value)
		}
	}
}

func TestHandler_HasOneRoute(t *testing.T) {
	f := open(t, nil)
	for request, want := range map[string]int{"GET /metrics": 200, "HEAD /metrics": 200, "POST /metrics": 405, "GET /": 404, "GET /metrics/x": 404, "GET /debug/pprof/": 404} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", request, w.Code, want)
		}
	}
}

// A scrape of a large service reads as many records as that of a small one.
func TestScrape_ReadsFewRecords(t *testing.T) {
	f := open(t, nil)
	var keys []string
	for i := range 3000 {
		keys = append(keys, fmt.Sprintf("userstate/ACTIVE/1/g1/u%04d", i), fmt.Sprintf("approval/u%04d-reset", i))
	}
	f.put(keys...)
	f.reads.Store(0)
	f.want(map[string]float64{"barillet_approvals_waiting": 1000})
	if n := f.reads.Load(); n == 0 || n > 1001 {
		t.Errorf("got %d reads, want at most 1,001", n)
	}
}

func TestRun_CountsUsersByStateAndThoseAtRisk(t *testing.T) {
	f := open(t, nil)
	var keys []string
	for state, n := range map[string]int{"ACTIVE/0": 3, "ACTIVE/1": 1500, "ACTIVE/2": 700, "RECOVERY/1": 4, "PASSWORD_EXPIRED/0": 5, "SUSPENDED/1": 6, "STAGED/0": 7,
		"evil\"}/1": 1} {
		for i := range n {
			keys = append(keys, fmt.Sprintf("userstate/%s/g1/u%s%04d", state, strings.NewReplacer("/", "", `"}`, "").Replace(state), i))
		}
	}
	f.put(keys...)
	if f.scrape()["barillet_users_counted_timestamp_seconds"] != 0 {
		t.Error("users are counted by a scrape")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	for f.scrape()["barillet_users_counted_timestamp_seconds"] == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	f.want(map[string]float64{`barillet_users{devices="1",status="active"}`: 1500, `barillet_users{devices="2",status="active"}`: 700,
		`barillet_users{devices="1",status="suspended"}`: 6, "barillet_users_at_risk": 3 + 1500 + 4 + 5, "barillet_users_counted_timestamp_seconds": float64(start.Unix())})
}

// event returns an event with its record, as the sequencer passes it.
func (f *fixture) stored(e audit.Event) {
	id := audit.NewID(start)
	f.Committed([]string{id}, []audit.Record{audit.NewRecord(e, audit.Leaf{Lane: e.Lane()})})
}

func TestCommitted_CountsSignInsAndOperations(t *testing.T) {
	f := open(t, nil)
	user, admin := audit.Actor{Type: audit.TypeUser, ID: "u1"}, audit.Actor{Type: audit.TypeToken, ID: "t1"}
	folded := audit.Event{Actor: user, Subject: "u1", Action: audit.SessionStart, Outcome: audit.Failure, Reason: audit.WrongPassword,
		Detail: map[string]string{"count": "40", "first": "2026-03-02T08:00:00Z"}}
	for _, e := range []audit.Event{
		{Actor: user, Subject: "u1", Action: audit.SessionStart, Outcome: audit.Failure, Reason: audit.WrongPassword},
		{Actor: user, Subject: "u1", Action: audit.SessionStart, Outcome: audit.Failure, Reason: "not active: SUSPENDED"},
		{Action: audit.UnknownName, Outcome: audit.Failure},
		{Actor: user, Subject: "u1", Action: audit.FactorProven, Outcome: audit.Success, Reason: "totp"},
		{Actor: user, Subject: "u1", Action: audit.FactorProven, Outcome: audit.Failure, Reason: "code: wrong"},
		{Actor: admin, Subject: "u1", Action: audit.FactorProven, Outcome: audit.Failure, Reason: "totp: wrong"},
		{Actor: user, Subject: "u1", Action: audit.SessionStart, Outcome: audit.Success},
		{Actor: admin, Subject: "u1", Action: audit.FactorsReset, Outcome: audit.Success},
		{Actor: admin, Subject: "u1", Action: audit.FactorsReset, Outcome: audit.Deny, Reason: "forbidden"},
		{Actor: user, Subject: "u1", Action: audit.ProfileUpdated, Outcome: audit.Success},
		folded,
	} {
		f.stored(e)
	}
	f.Folded(audit.Event{Actor: user, Subject: "u1", Action: audit.SessionStart, Outcome: audit.Failure, Reason: audit.WrongPassword})
	f.want(map[string]float64{
		`barillet_sign_ins_total{factor="password",result="refused"}`:       2, // one written, one folded
		`barillet_sign_ins_total{factor="password",result="inactive"}`:      1,
		`barillet_sign_ins_total{factor="password",result="unknown_login"}`: 1,
		`barillet_sign_ins_total{factor="totp",result="accepted"}`:          1,
		`barillet_sign_ins_total{factor="code",result="refused"}`:           1,
		"barillet_sessions_started_total":                                   1,
		`barillet_operations_total{operation="reset",outcome="accepted"}`:   1,
		`barillet_operations_total{operation="reset",outcome="refused"}`:    1,
	})
}

// A value that a client chooses is in no label, whatever an event or a request contains (promise S4).
func TestAttack_ClientsChooseNoLabel(t *testing.T) {
	f := open(t, nil)
	before := len(f.scrape())
	for i := range 2000 {
		evil := fmt.Sprintf("evil%d@garage.example", i)
		f.stored(audit.Event{Actor: audit.Actor{ID: evil}, Subject: evil, Action: audit.FactorProven, Outcome: audit.Failure, Reason: evil + ": wrong"})
		f.stored(audit.Event{Action: evil, Outcome: evil, Reason: evil})
		f.stored(audit.Event{Action: audit.FactorsReset, Outcome: evil, Address: evil})
		f.Folded(audit.Event{Actor: audit.Actor{ID: evil}, Subject: evil, Action: audit.FactorProven, Outcome: audit.Deny, Reason: evil})
		f.Request("/"+evil, i, time.Millisecond)
		f.Request("", -i, time.Millisecond)
	}
	got := f.scrape()
	for series := range got {
		if strings.Contains(series, "evil") {
			t.Fatalf("got the series %s", series)
		}
	}
	if len(got) > before+40 {
		t.Errorf("got %d series, %d before", len(got), before)
	}
}

// The names of limits are those of package throttle.
func TestScrape_HasRefusalsByLimit(t *testing.T) {
	f := open(t, nil)
	m := throttle.Memory{Refusals: &f.refusals}
	for range 3 {
		for range throttle.Userinfo.Count + 1 {
			m.Take(start, throttle.Userinfo, "token")
		}
	}
	f.want(map[string]float64{`barillet_limit_refusals_total{limit="userinfo"}`: float64(2*throttle.Userinfo.Count + 3)})
}

func TestScrape_HasTheBackupAndTheCertificateOfAServiceWithThem(t *testing.T) {
	for series := range open(t, nil).scrape() {
		if regexp.MustCompile("backup|certificate").MatchString(series) {
			t.Errorf("a service without them: got %s", series)
		}
	}
	backup, failure := start.Add(-time.Hour), error(nil)
	f := open(t, func(s *metrics.Source) {
		s.Backup = func(context.Context) (time.Time, bool, error) { return backup, true, failure }
		s.Certificate = func() time.Time { return start.Add(time.Hour) }
	})
	f.want(map[string]float64{"barillet_backup_timestamp_seconds": float64(backup.Unix()),
		"barillet_certificate_expiry_timestamp_seconds": float64(start.Add(time.Hour).Unix())})
	failure = errors.New("cannot be read")
	if got := f.scrape(); got["barillet_certificate_expiry_timestamp_seconds"] == 0 || got["barillet_backup_timestamp_seconds"] != 0 {
		t.Error("a backup that cannot be read hides another metric, or has a value")
	}
}
