package metrics

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"barillet/store"
)

const (
	countInterval = 10 * time.Minute      // between two counts
	countPage     = 1000                  // index entries of one View, so that the store can reuse free pages
	countPause    = 10 * time.Millisecond // between two of them
)

// statesOfUsers are the statuses in the index of states, and whether such a user can sign in.
var statesOfUsers = map[string]bool{"STAGED": false, "PROVISIONED": false, "ACTIVE": true, "RECOVERY": true, "PASSWORD_EXPIRED": true, "SUSPENDED": false,
	"DEPROVISIONED": false}

var devicesOfUsers = []string{"0", "1", "2"}

// users has the last count of the users. A count reads the whole index of states, so a scrape does not count.
type users struct {
	mu     sync.Mutex
	counts map[state]int // nil: not counted yet
	at     time.Time
}

// state is the beginning of an entry of the index of states.
type state struct{ status, devices string }

// Run counts the users until ctx ends: at once, and then every ten minutes if the state of a user changed. It continues after an error.
func (m *Metrics) Run(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	m.source.Store.Watch(store.UserStates.Prefix, func([]string) { wake() })
	ticks := time.NewTicker(countInterval)
	defer ticks.Stop()
	for {
		if err := m.countUsers(ctx); err != nil && ctx.Err() == nil {
			m.source.Log.Error("measuring the service", "error", err)
			wake()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

func (m *Metrics) countUsers(ctx context.Context) error {
	index, counts := store.NewIndex(store.UserStates), map[state]int{}
	for after, more := "", true; more; {
		err := m.source.Store.View(ctx, func(snap store.Snapshot) error {
			read := 0
			err := index.Scan(snap, "", after, countPage, func(id string) error {
				if parts := strings.SplitN(id, "/", 3); len(parts) == 3 {
					counts[state{parts[0], parts[1]}]++
				}
				after, read = id, read+1
				return nil
			})
			more = read == countPage
			return err
		})
		if err != nil {
			return fmt.Errorf("counting users: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(countPause):
		}
	}
	m.users.mu.Lock()
	defer m.users.mu.Unlock()
	m.users.counts, m.users.at = counts, m.source.Now()
	return nil
}

// collect reports the last count.
func (u *users) collect(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.counts == nil {
		return
	}
	atRisk := 0
	for status, canSignIn := range statesOfUsers {
		for _, devices := range devicesOfUsers {
			n := u.counts[state{status, devices}]
			gauge(usersDesc, float64(n), strings.ToLower(status), devices)
			if canSignIn && slices.Index(devicesOfUsers, devices) < 2 {
				atRisk += n
			}
		}
	}
	gauge(atRiskDesc, float64(atRisk))
	gauge(countedDesc, seconds(u.at))
}
