package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/mail"
	"barillet/internal/outbox"
	"barillet/internal/webhook"
	"barillet/oidc/keys"
	"barillet/oidc/token"
	"barillet/store"
)

// Inside has what the checks of an open store read.
type Inside struct {
	Store store.Store
	Ring  *store.Keyring
	Log   audit.Log
	Tree  *tree.Tree
	Keys  *keys.Service
	Now   func() time.Time
	// Indexes compares the indexes with the records. Changes meanwhile would look like faults, so that it is nil in a service that
	// runs.
	Indexes func(ctx context.Context) ([]store.IndexReport, error)
	// LastBackup returns the time of the last backup, and whether there was one. If nil, backups are not checked.
	LastBackup  func(ctx context.Context, s store.Store) (at time.Time, ok bool, err error)
	Connections func() int // limits.connections; nil if the service does not run
}

// Check makes the checks of an open store. It changes nothing.
func (in *Inside) Check(ctx context.Context) []Finding {
	r := &Report{}
	for _, check := range []struct {
		id  string
		run func(context.Context, *Report) error
	}{
		{"store.demo", in.checkDemo},
		{"store.records", in.checkRecords},
		{"store.indexes", in.checkIndexes},
		{"keys.signing", in.checkSigning},
		{"audit.log", in.checkLog},
		{"clock.log", in.checkClock},
		{"outbox.age", in.checkOutbox},
		{"backup.age", in.checkBackup},
	} {
		if err := check.run(ctx, r); err != nil {
			r.fail(check.id, "read the log of the service; if the disk is sound, restore the last backup", "%v", err)
		}
	}
	in.checkLimit(r)
	return r.Findings
}

const restore = "copy the store file, and restore the last backup"

func (in *Inside) checkDemo(ctx context.Context, r *Report) error {
	demo, err := store.IsDemo(ctx, in.Store)
	switch {
	case err != nil:
		return err
	case demo:
		r.fail("store.demo", "use another data directory", "the store is a demonstration: its passwords and tokens were printed")
	default:
		r.ok("store.demo", "the store is no demonstration")
	}
	return nil
}

func (in *Inside) checkRecords(ctx context.Context, r *Report) error {
	report, err := in.Ring.CheckSealed(ctx, in.Store)
	switch {
	case err != nil:
		return err
	case report.Damaged > 0:
		r.fail("store.records", restore, "%d of %d records cannot be read, the first in the table %s", report.Damaged, report.Records, report.First)
	default:
		r.ok("store.records", "%d records can be read", report.Records)
	}
	return nil
}

func (in *Inside) checkIndexes(ctx context.Context, r *Report) error {
	if in.Indexes == nil {
		r.skip("store.indexes", "the service runs: stop it to compare the indexes")
		return nil
	}
	reports, err := in.Indexes(ctx)
	if err != nil {
		return err
	}
	var bad []string
	entries := 0
	for _, x := range reports {
		entries += x.Entries
		if x.Missing+x.Wrong > 0 {
			bad = append(bad, fmt.Sprintf("%s: %d missing, %d wrong", x.Name, x.Missing, x.Wrong))
		}
	}
	if len(bad) > 0 {
		r.fail("store.indexes", "barillet check --rebuild-indexes", "index entries are missing or wrong: %s", strings.Join(bad, "; "))
	} else {
		r.ok("store.indexes", "%d entries of %d indexes agree with the records", entries, len(reports))
	}
	return nil
}

func (in *Inside) checkSigning(ctx context.Context, r *Report) error {
	algs, err := in.Keys.Overdue(ctx)
	switch {
	case err != nil:
		return err
	case len(algs) > 0:
		r.fail("keys.signing", "systemctl restart barillet; the start makes the keys", "the keys of %s were due to be replaced more than a day ago", strings.Join(algs, ", "))
	default:
		r.ok("keys.signing", "the keys rotate in time")
	}
	return nil
}

func (in *Inside) checkLog(ctx context.Context, r *Report) error {
	report, err := in.Tree.Verify(ctx)
	if err != nil {
		return err
	}
	if bad := report.Bad; bad != nil {
		r.fail("audit.log", restore+"; `barillet audit verify` names the entry", "entry %d %s is wrong: %s", bad.Number, bad.ID, bad.Reason)
	} else {
		r.ok("audit.log", "%d entries and %d heads agree", report.Entries, report.Heads)
	}
	at, err := in.Tree.HeadTime(ctx)
	switch open := report.Pending + report.Unsigned; {
	case err != nil:
		r.fail("audit.head", restore, "the newest head cannot be read: %v", err)
	case at.IsZero():
		r.ok("audit.head", "no head was signed yet")
	case open > 0 && in.Now().Sub(at) > 24*time.Hour:
		r.fail("audit.head", "systemctl restart barillet, and read its log", "%d entries have no head, and the newest is of %s", open, stamp(at))
	default:
		r.ok("audit.head", "the newest head is of %s", stamp(at))
	}
	return nil
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return "no time"
	}
	return at.UTC().Format("2006-01-02 15:04 UTC")
}

func (in *Inside) checkClock(ctx context.Context, r *Report) error {
	var last time.Time
	err := in.Store.View(ctx, func(s store.Snapshot) error {
		entries, _, err := in.Log.Scan(s, audit.Query{Limit: 1, Descending: true})
		if len(entries) > 0 {
			last = entries[0].At
		}
		return err
	})
	if err != nil {
		return err
	}
	if now := in.Now(); last.After(now.Add(time.Minute)) {
		r.fail("clock.log", "timedatectl set-ntp true; timedatectl timesync-status", "the clock says %s, and the last audit event is of %s", stamp(now), stamp(last))
	} else {
		r.ok("clock.log", "the last audit event is of %s", stamp(last))
	}
	return nil
}

// maxJobs limits the jobs of one kind that are read.
const maxJobs = 5000

// jobs counts what waits.
type jobs struct {
	now        time.Time
	late, dead int
	oldest     time.Time
	why        string // the last error of the oldest job
}

// count counts the jobs of a table. A job is late an hour after it was due, or an hour after it was queued if an attempt failed.
func count[R outbox.Job[R]](ctx context.Context, s store.Store, table store.Table[R], j *jobs) error {
	return s.View(ctx, func(snap store.Snapshot) error {
		return table.Scan(snap, "", "", maxJobs, func(_ string, job R) error {
			a := job.Attempts()
			since := a.Queued
			if a.Count == 0 && a.NotBefore.After(since) {
				since = a.NotBefore
			}
			switch {
			case a.Dead:
				j.dead++
			case j.now.Sub(since) > time.Hour:
				if j.late++; j.oldest.IsZero() || since.Before(j.oldest) {
					j.oldest, j.why = since, a.LastError
				}
			}
			return nil
		})
	})
}

func (in *Inside) checkOutbox(ctx context.Context, r *Report) error {
	mails, other := jobs{now: in.Now()}, jobs{now: in.Now()}
	err := errors.Join(count(ctx, in.Store, store.NewTable[mail.Message](in.Ring, store.Outbox), &mails),
		count(ctx, in.Store, store.NewTable[webhook.Job](in.Ring, store.WebhookDeliveries), &other),
		count(ctx, in.Store, store.NewTable[token.Logout](in.Ring, store.Logouts), &other))
	if err != nil {
		return err
	}
	why := ""
	if mails.why != "" {
		why = "; its last error: " + mails.why
	}
	if mails.late > 0 {
		r.fail("outbox.age", "mend what mail.… says below; if all is well, systemctl restart barillet", "%d mails wait, the oldest since %s%s", mails.late, stamp(mails.oldest), why)
	} else {
		r.ok("outbox.age", "no mail waits for long")
	}
	if n := mails.dead + other.dead; n > 0 {
		r.warn("outbox.dead", "send the mails again in the console; `barillet webhook deliveries ID --status dead` lists calls; all end by retention.dead_letters",
			"%d mails, and %d webhook calls or logouts were given up", mails.dead, other.dead)
	} else {
		r.ok("outbox.dead", "nothing was given up")
	}
	return nil
}

// maxBackupAge is the age from which a backup is old.
const maxBackupAge = 48 * time.Hour

func (in *Inside) checkBackup(ctx context.Context, r *Report) error {
	if in.LastBackup == nil {
		r.skip("backup.age", "backups are not recorded")
		return nil
	}
	at, ok, err := in.LastBackup(ctx, in.Store)
	const remedy = "barillet backup, and [backup] in the configuration for one each day"
	switch {
	case err != nil:
		return err
	case !ok:
		r.warn("backup.age", remedy, "there was no backup")
	case in.Now().Sub(at) > maxBackupAge:
		r.fail("backup.age", remedy, "the last backup is of %s", stamp(at))
	default:
		r.ok("backup.age", "the last backup is of %s", stamp(at))
	}
	return nil
}

// spareFiles are the open files of a service beside its connections.
const spareFiles = 64

// checkLimit compares the limit of open files with the connections. It is that of the service only in the service.
func (in *Inside) checkLimit(r *Report) {
	if in.Connections == nil {
		r.skip("service.files", "the service does not run")
		return
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	connections := in.Connections()
	need := uint64(connections + spareFiles)
	switch {
	case err != nil:
		r.fail("service.files", "read getrlimit(2)", "reading the limit of open files: %v", err)
	case limit.Cur < need:
		r.fail("service.files", fmt.Sprintf("set LimitNOFILE=%d in the unit, or lower limits.connections", need), "the service may open %d files, and limits.connections is %d", limit.Cur, connections)
	default:
		r.ok("service.files", "the service may open %d files", limit.Cur)
	}
}
