package main

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/net/netutil"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/metrics"
)

// maxMetricsConnections is the number of connections of the listener of the metrics. Further ones wait.
const maxMetricsConnections = 16

// measure begins to measure the service, and returns the server of scrapes. It returns none without metrics.listen: then nothing is measured. Call
// it before any worker runs.
func (a *app) measure(connections *connLimiter) ([]service, error) {
	address := string(a.config.Metrics.Listen)
	if address == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("listening on %s for metrics: %w", address, err), "another program may use the port; set another one as metrics.listen")
	}
	dir := a.dataDir
	a.metrics = metrics.New(metrics.Source{Version: version(), Now: now, Store: dir.Store, Log: a.log, Usage: dir.File.Usage, Space: dir.Space.State,
		Hashes: a.accounts.Hasher.Load, Mail: a.sender.Depth, Webhooks: a.webhooks.Depth, Refusals: a.accounts.Budgets.Refusals.Counts,
		Connections: connections.load, DamagedRecords: dir.Ring.DamagedRecords, AuditCovered: a.tree.Covered, Contradicted: a.tree.IsContradicted})
	a.tree.Committed, a.accounts.Refusals.Folded, a.accounts.Hasher.OnHash = a.metrics.Committed, a.metrics.Folded, a.metrics.Hash
	dir.File.ObserveCommits(a.metrics.Commit)
	a.log.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return []service{{newServer(a.metrics.Handler(), a.log), netutil.LimitListener(listener, maxMetricsConnections)}}, nil
}

// observe returns the function that counts requests, or nil.
func (a *app) observe() func(pattern string, status int, took time.Duration) {
	if a.metrics == nil {
		return nil
	}
	return a.metrics.Request
}
