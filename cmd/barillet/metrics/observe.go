package metrics

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// otherRoute is the label of requests for paths without a route.
const otherRoute = "other"

// statuses are the labels of the classes of a status. A request that got no answer has the first one.
var statuses = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// route has the metrics of one route, so that a request looks up no labels.
type route struct {
	label    string
	requests [len(statuses)]atomic.Pointer[prometheus.Counter]
	duration prometheus.Observer
}

// Request counts a request. pattern is that of its route; all patterns are those of the program. A pattern without a method is that
// of answers to unknown paths.
func (m *Metrics) Request(pattern string, status int, took time.Duration) {
	r := m.route(pattern)
	class := min(max(status/100, 0), len(statuses)-1)
	c := r.requests[class].Load()
	if c == nil {
		added := m.requests.WithLabelValues(r.label, statuses[class])
		c = &added
		r.requests[class].Store(c)
	}
	(*c).Inc()
	r.duration.Observe(took.Seconds())
}

func (m *Metrics) route(pattern string) *route {
	m.mu.RLock()
	r := m.routes[pattern]
	m.mu.RUnlock()
	if r != nil {
		return r
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.routes[pattern]; r != nil {
		return r
	}
	label := pattern
	if !strings.Contains(pattern, " /") {
		label = otherRoute
	}
	r = &route{label: label, duration: m.durations.WithLabelValues(label)}
	m.routes[pattern] = r
	return r
}

// Commit is for bolt.Store.ObserveCommits.
func (m *Metrics) Commit() (end func(changes int, err error)) {
	began := m.source.Now()
	return func(changes int, err error) {
		m.commits.Observe(m.source.Now().Sub(began).Seconds())
		m.group.Observe(float64(changes))
		if err != nil {
			m.commitFailures.Inc()
		}
	}
}

// Hash is for password.Hasher.OnHash.
func (m *Metrics) Hash() (end func()) {
	began := m.source.Now()
	return func() { m.hashes.Observe(m.source.Now().Sub(began).Seconds()) }
}
