// Package counts owns the counters of sign-ins: for each day in UTC, of all users and of each group. The sequencer of the audit log
// notes in its Update what is to be counted; a worker adds it to the counters later. An event counts on its day, for the groups of its
// user at the time of counting. The counters contain no id of a user. They are no index: the log does not contain which groups its
// users had, so they cannot be made anew.
package counts

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// Counts are the numbers of events of a day.
type Counts struct {
	SignIns        int `json:"s,omitempty"` // complete ones
	WrongPasswords int `json:"p,omitempty"`
	WrongCodes     int `json:"c,omitempty"` // refused answers of devices, also at a step-up
	Inactive       int `json:"i,omitempty"` // right or wrong passwords of users who may not sign in
	UnknownLogins  int `json:"u,omitempty"` // only of all users
	Lockouts       int `json:"l,omitempty"` // codes stopped after too many wrong ones
	Resets         int `json:"r,omitempty"` // of all devices of a user
}

// Add adds the numbers of d.
func (c *Counts) Add(d Counts) {
	c.SignIns += d.SignIns
	c.WrongPasswords += d.WrongPasswords
	c.WrongCodes += d.WrongCodes
	c.Inactive += d.Inactive
	c.UnknownLogins += d.UnknownLogins
	c.Lockouts += d.Lockouts
	c.Resets += d.Resets
}

// counted lists the actions of the events that count.
var counted = []string{audit.SessionStart, audit.FactorProven, audit.UnknownName, audit.CodesStopped, audit.FactorsReset}

// countsOf returns what an event counts as, which can be nothing.
func countsOf(e *audit.Event) (c Counts) {
	n := e.Count()
	switch {
	case e.Action == audit.SessionStart && e.Outcome == audit.Success:
		c.SignIns = n
	case e.Action == audit.SessionStart && e.Outcome == audit.Failure && e.Reason == audit.WrongPassword:
		c.WrongPasswords = n
	case e.Action == audit.SessionStart && e.Outcome == audit.Failure:
		c.Inactive = n
	case e.Action == audit.FactorProven && e.Outcome == audit.Failure && e.Actor.ID == e.Subject:
		c.WrongCodes = n
	case e.Action == audit.UnknownName:
		c.UnknownLogins = n
	case e.Action == audit.CodesStopped:
		c.Lockouts = n
	case e.Action == audit.FactorsReset && e.Outcome == audit.Success:
		c.Resets = n
	}
	return c
}

// Service counts sign-ins. One process has one Service. It is safe for concurrent use.
type Service struct {
	Log *slog.Logger // of Run

	accounts *account.Service
	pending  store.Table[part]
	months   store.Table[month]
	interval time.Duration
	mu       sync.Mutex // held by the one that counts
}

// New returns a Service.
func New(accounts *account.Service, ring *store.Keyring) *Service {
	return &Service{accounts: accounts, interval: defaultInterval, pending: store.NewTable[part](ring, store.SignInsPending), months: store.NewTable[month](ring, store.SignInCounts)}
}

// part is what the events of one Update of the sequencer count as.
type part struct {
	Entries []entry `json:"e"`
}

// entry is what one event counts as.
type entry struct {
	User   account.UserID `json:"u,omitempty"` // empty: none is known
	Day    int            `json:"d"`           // since 1970, in UTC
	Counts Counts         `json:"n"`
}

// Note stores what events with a number count as. It implements tree.Config.Numbered.
func (s *Service) Note(tx store.Tx, first int64, ids []string, events []audit.Record) error {
	var p part
	for i := range events {
		if !slices.Contains(counted, events[i].Action) {
			continue
		}
		e, err := events[i].Event(ids[i])
		if err != nil {
			continue // verification of the log reports it
		}
		if c := countsOf(&e); c != (Counts{}) {
			p.Entries = append(p.Entries, entry{account.UserID(e.Subject), dayOf(e.At), c})
		}
	}
	if len(p.Entries) == 0 {
		return nil
	}
	return s.pending.Put(tx, fmt.Sprintf("%012d", first), p)
}

const secondsOfDay = 24 * 60 * 60

// dayOf returns the day of a time since 1970, in UTC.
func dayOf(t time.Time) int { return int(t.Unix() / secondsOfDay) }

// startOf returns the start of a day.
func startOf(day int) time.Time { return time.Unix(int64(day)*secondsOfDay, 0).UTC() }

// defaultInterval is the pause of the worker, so that many events change each counter once.
const defaultInterval = 10 * time.Second

// Run counts what is noted until ctx ends, at most once in each interval. It reads nothing while nothing is noted. It continues
// after an error.
func (s *Service) Run(ctx context.Context) error {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	s.pending.Watch(s.accounts.Store, func([]string) { wake() })
	timer := time.NewTimer(0) // for what an earlier process left
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := s.Count(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("counting sign-ins", "error", err)
			wake()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
		}
		timer.Reset(s.interval)
	}
}

// Count counts everything that is noted.
func (s *Service) Count(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for more := true; more; {
		p := newPlan(s)
		err := s.accounts.Store.View(ctx, p.read)
		if err == nil && len(p.parts) > 0 {
			err = s.accounts.Store.Update(ctx, p.apply)
		}
		if err != nil {
			return fmt.Errorf("counting sign-ins: %w", err)
		}
		more = len(p.parts) > 0
	}
	return nil
}
