// Package metrics measures the service for Prometheus. It counts audit events, requests, commits and hashes as they happen, and reads
// the rest at each scrape. No label contains a value that a client can choose: each is one of a fixed set (promise S4). It does not
// decide what is wrong; docs/monitoring has the rules.
package metrics

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const prefix = "barillet_"

// maxScrapes is the number of concurrent scrapes, and scrapeTimeout the time limit of one.
const (
	maxScrapes    = 4
	scrapeTimeout = 10 * time.Second
)

// Metrics contains the metrics of one service. It is safe for concurrent use.
type Metrics struct {
	source   Source
	registry *prometheus.Registry

	signIns    *prometheus.CounterVec
	sessions   prometheus.Counter
	operations *prometheus.CounterVec

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	mu        sync.RWMutex
	routes    map[string]*route // by pattern

	commits, group, hashes prometheus.Histogram
	commitFailures         prometheus.Counter

	users users
}

// New returns the metrics of a service. Call Run to count its users.
func New(s Source) *Metrics {
	m := &Metrics{source: s, registry: prometheus.NewRegistry(), routes: map[string]*route{},
		signIns:    prometheus.NewCounterVec(counter("sign_ins_total", "Answers to the steps of a sign-in, by factor and result."), []string{"factor", "result"}),
		sessions:   prometheus.NewCounter(counter("sessions_started_total", "Complete sign-ins.")),
		operations: prometheus.NewCounterVec(counter("operations_total", "Operations in the audit log, by operation and outcome."), []string{"operation", "outcome"}),
		requests:   prometheus.NewCounterVec(counter("http_requests_total", "HTTP requests, by route and class of the status."), []string{"route", "status"}),
		durations: prometheus.NewHistogramVec(histogram("http_request_duration_seconds", "Time of HTTP requests, by route.",
			.005, .025, .1, .5, 2.5), []string{"route"}),
		commits:        prometheus.NewHistogram(histogram("commit_duration_seconds", "Time of commits of the store.", .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5)),
		group:          prometheus.NewHistogram(histogram("commit_changes", "Changes in one commit of the store.", 1, 2, 4, 8, 16, 32, 64, 128, 256)),
		commitFailures: prometheus.NewCounter(counter("commit_failures_total", "Commits of the store that failed.")),
		hashes:         prometheus.NewHistogram(histogram("hash_duration_seconds", "Time of password hashes, without the time in the queue.", .01, .025, .05, .1, .25, .5, 1, 2.5)),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + "build_info", Help: "The version of the program; the value is 1."}, []string{"version"})
	build.WithLabelValues(s.Version).Set(1)
	m.registry.MustRegister(m.signIns, m.sessions, m.operations, m.requests, m.durations, m.commits, m.group, m.commitFailures, m.hashes, build,
		scrape{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.initialize()
	return m
}

func counter(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Name: prefix + name, Help: help}
}

func histogram(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}
}

// Handler returns the handler of GET /metrics. It has no other route.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(m.source.Log.Handler(), slog.LevelError),
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout, DisableCompression: true}))
	return mux
}
