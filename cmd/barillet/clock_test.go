package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/store"
)

// offlineApp returns an app that does not serve, and its log.
func offlineApp(t *testing.T) (*app, *bytes.Buffer) {
	t.Helper()
	c := config.Defaults()
	c.Data = filepath.Join(t.TempDir(), "data")
	c.KeyFile = filepath.Join(c.Data, "barillet.key")
	dir, err := datadir.Open(t.Context(), &c, true, now, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Store.Close() })
	said := &bytes.Buffer{}
	a, err := newApp(&c, dir, "http://localhost:1", slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return a, said
}

// auditLog returns the audit events.
func (a *app) auditLog(t *testing.T) (all []audit.Entry) {
	t.Helper()
	if err := a.dataDir.Store.View(t.Context(), func(s store.Snapshot) (err error) {
		all, _, err = a.accounts.Log.Scan(s, audit.Query{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestClockWatch_AuditsJumpOnce(t *testing.T) {
	a, said := offlineApp(t)
	began := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var c clockWatch
	c.reset(began, 0)
	var want []string
	for _, look := range []struct {
		name      string
		wall, ran time.Duration // since the start
		by        string        // audited jump; "": none
	}{
		{"a minute later", time.Minute, time.Minute, ""},
		{"a little fast", 6 * time.Minute, 2 * time.Minute, ""},
		{"five minutes ahead in all", 8 * time.Minute, 3 * time.Minute, "5m0s"},
		{"going on from there", 9 * time.Minute, 4 * time.Minute, ""},
		{"a day ahead", 24*time.Hour + 10*time.Minute, 5 * time.Minute, "24h0m0s"},
		{"back again", 11 * time.Minute, 6 * time.Minute, "-24h0m0s"},
		{"a pass that took an hour", 71 * time.Minute, 66 * time.Minute, ""},
	} {
		said.Reset()
		if err := a.watchClock(t.Context(), &c, began.Add(look.wall), look.ran); err != nil {
			t.Fatalf("%s: %v", look.name, err)
		}
		if look.by != "" {
			want = append(want, look.by)
		}
		if shown := strings.Contains(said.String(), "the clock jumped"); shown != (look.by != "") {
			t.Errorf("%s: the log says %q", look.name, said)
		}
	}
	var got []string
	for _, e := range a.auditLog(t) {
		if e.Action == audit.ClockJumped {
			got = append(got, e.Detail["by"])
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q audited, want %q", got, want)
	}
}

func TestClockWatch_IgnoresMonotonicReading(t *testing.T) {
	var c clockWatch
	wall, ran := now(), stopwatch()
	c.reset(wall, ran())
	// Round(0) removes the monotonic reading, so that this is a clock that was set.
	if by := c.jump(wall.Round(0).Add(time.Hour), ran()); by.Round(time.Minute) != time.Hour {
		t.Errorf("got a jump of %v, want an hour", by)
	}
	if by := c.jump(now(), ran()); by != 0 {
		t.Errorf("got a jump of %v, want none", by)
	}
}

func TestCheckClock_WarnsIfBehindLastAuditEvent(t *testing.T) {
	a, said := offlineApp(t)
	a.checkClock(t.Context())
	a.auditLifecycle(t.Context(), audit.ServerStarted)
	a.checkClock(t.Context())
	if said.Len() > 0 {
		t.Errorf("correct clock: got %s", said)
	}
	testingOnlyNow = func() time.Time { return time.Now().Add(-2 * time.Minute) }
	defer func() { testingOnlyNow = nil }()
	a.checkClock(t.Context())
	if !strings.Contains(said.String(), "level=WARN") || !strings.Contains(said.String(), "the clock is behind the last audit event") {
		t.Errorf("got %q, want a warning", said)
	}
}

func TestDeadLetter_IsAudited(t *testing.T) {
	a, _ := offlineApp(t)
	at := now().Add(-time.Hour)
	if err := a.dataDir.Store.Update(t.Context(), func(tx store.Tx) error {
		return a.sender.Outbox.Queue(tx, store.NewTimeID(at), mail.Message{Template: "invitation", Lang: "fr", To: []string{"zoe@garage.example"},
			Queued: at, ExpiresAt: at.Add(time.Minute), Data: []byte(`{"link":"https://login.example/invite/secret"}`)})
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.sender.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := a.auditLog(t)
	if len(got) != 1 || got[0].Action != audit.MailFailed || got[0].Reason != "too_late" || got[0].Targets[0].Name != "invitation" ||
		got[0].Detail["to"] != "zoe@garage.example" {
		t.Errorf("got %+v, want one event of the mail", got)
	}
}
