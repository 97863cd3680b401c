package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"barillet/authn/password"
	"barillet/internal/audit"
	"barillet/internal/diskspace"
	"barillet/internal/outbox"
	"barillet/store"
	"barillet/store/bolt"
)

// Source is what a scrape reads. All fields are required, except those whose comment says what nil means.
type Source struct {
	Version string
	Now     func() time.Time
	Store   store.Store
	Log     *slog.Logger

	Usage          func() (bolt.Usage, error)
	Space          func() diskspace.State
	Hashes         func() password.Load
	Mail           func() outbox.Depth
	Webhooks       func() outbox.Depth
	Refusals       func() map[string]uint64 // by limit
	Connections    func() (open int, refused uint64)
	DamagedRecords func() int
	AuditCovered   func() time.Time // zero: not since the start
	Contradicted   func() bool
	// Backup returns the time of the last backup, and false if there is none. Nil: the service makes no backups.
	Backup func(ctx context.Context) (time.Time, bool, error)
	// Certificate returns the end of the validity of the certificate. Nil: a proxy ends TLS.
	Certificate func() time.Time
}

// scrape collects what a Source returns. It reads at most maxApprovals records and that of the backup.
type scrape struct{ m *Metrics }

// maxApprovals is the largest number of approvals that a scrape counts.
const maxApprovals = 1000

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

var (
	usersDesc        = desc("users", "Users, by status and number of usable devices (2: two or more), when they were last counted.", "status", "devices")
	atRiskDesc       = desc("users_at_risk", "Users who can sign in and have at most one usable device, when they were last counted.")
	countedDesc      = desc("users_counted_timestamp_seconds", "When users were last counted.")
	approvalsDesc    = desc("approvals_waiting", "Requests that wait for a second administrator, at most 1000.")
	waitingDesc      = desc("outbox_waiting", "Emails and webhook deliveries that wait, by lane.", "queue", "lane")
	deadDesc         = desc("outbox_dead_letters", "Emails and webhook deliveries that were given up and are kept.", "queue")
	mailAgeDesc      = desc("mail_oldest_age_seconds", "Age of the oldest email that waits; 0: none waits.")
	runningDesc      = desc("hashes_running", "Password hashes that run now.")
	hashesDesc       = desc("hashes_waiting", "Password hashes that wait in the queue.")
	overloadDesc     = desc("hashes_refused_total", "Password hashes refused because the queue was too long.")
	refusalsDesc     = desc("limit_refusals_total", "Times that a limit refused an operation, by limit.", "limit")
	openDesc         = desc("connections_open", "Open connections.")
	closedDesc       = desc("connections_refused_total", "Connections closed because of limits.connections.")
	sizeDesc         = desc("store_size_bytes", "Size of the store file.")
	freeDesc         = desc("store_free_bytes", "Free pages in the store file, which the next changes use.")
	diskDesc         = desc("disk_free_bytes", "Free space of the disk of the data directory, without the reserve.")
	reserveDesc      = desc("disk_reserve_bytes", "Size of the reserve on the disk.")
	lowDesc          = desc("disk_low", "1 while changes that can wait are refused, because space is low.")
	coveredDesc      = desc("audit_covered_timestamp_seconds", "When a signed head last covered the audit log; 0: not since the start.")
	contradictedDesc = desc("audit_contradicted", "1 while the audit log contradicts its newest head.")
	damagedDesc      = desc("damaged_records", "Records that could not be read since the start, at most 1000.")
	backupDesc       = desc("backup_timestamp_seconds", "When the last backup was made; 0: never.")
	certificateDesc  = desc("certificate_expiry_timestamp_seconds", "End of the validity of the certificate.")
)

// Describe implements prometheus.Collector. It describes nothing: a metric without a source is absent.
func (c scrape) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c scrape) Collect(out chan<- prometheus.Metric) {
	s := c.m.source
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	c.m.users.collect(gauge)
	load, space := s.Hashes(), s.Space()
	gauge(runningDesc, float64(load.Running))
	gauge(hashesDesc, float64(load.Waiting))
	count(overloadDesc, load.Refused)
	for limit, n := range s.Refusals() {
		count(refusalsDesc, n, limit)
	}
	open, refused := s.Connections()
	gauge(openDesc, float64(open))
	count(closedDesc, refused)
	gauge(diskDesc, float64(space.Free))
	gauge(reserveDesc, float64(space.Reserved))
	gauge(lowDesc, number(space.Low))
	gauge(coveredDesc, seconds(s.AuditCovered()))
	gauge(contradictedDesc, number(s.Contradicted()))
	gauge(damagedDesc, float64(s.DamagedRecords()))
	c.queue("mail", s.Mail(), gauge)
	c.queue("webhook", s.Webhooks(), gauge)
	c.read(out, gauge)
}

// queue collects the depth of a queue, and the age of the oldest email: the id of an email begins with its time.
func (c scrape) queue(name string, d outbox.Depth, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, lane := range audit.Lanes() {
		gauge(waitingDesc, float64(d.Waiting[lane]), name, lane.String())
	}
	gauge(deadDesc, float64(d.Dead), name)
	if name != "mail" {
		return
	}
	age := time.Duration(0)
	if at, err := audit.TimeOf(d.Oldest); err == nil {
		age = max(c.m.source.Now().Sub(at), 0)
	}
	gauge(mailAgeDesc, age.Seconds())
}

// read collects what is in the store or its file. What cannot be read fails the scrape of that metric only.
func (c scrape) read(out chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	s := c.m.source
	if use, err := s.Usage(); err != nil {
		out <- prometheus.NewInvalidMetric(sizeDesc, err)
	} else {
		gauge(sizeDesc, float64(use.Size))
		gauge(freeDesc, float64(use.Free))
	}
	waiting := 0
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		return snap.Scan(store.Approvals.Prefix, "", maxApprovals, func(string, []byte) error {
			waiting++
			return nil
		})
	})
	if err != nil {
		out <- prometheus.NewInvalidMetric(approvalsDesc, err)
	} else {
		gauge(approvalsDesc, float64(waiting))
	}
	if s.Certificate != nil {
		gauge(certificateDesc, seconds(s.Certificate()))
	}
	if s.Backup == nil {
		return
	}
	if at, _, err := s.Backup(ctx); err != nil {
		out <- prometheus.NewInvalidMetric(backupDesc, err)
	} else {
		gauge(backupDesc, seconds(at))
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds returns a time in seconds since 1970; 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
