package main

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/diskspace"
	"barillet/internal/notice"
	"barillet/store"
)

// spaceInterval is how often the free space is measured.
const spaceInterval = 2 * time.Second

// watchSpace measures the free space until ctx ends. It warns the operator once when space is low: a log line, an audit event,
// and emails to the administrators.
func (a *app) watchSpace(ctx context.Context) error {
	ticker := time.NewTicker(spaceInterval)
	defer ticker.Stop()
	var last diskspace.State
	failed := ""
	for {
		state, err := a.dataDir.Space.Check()
		if err == nil {
			err = a.reportSpace(ctx, last, state)
		}
		if text := fmt.Sprint(err); err != nil && ctx.Err() == nil && text != failed { // an error that lasts is logged once
			a.log.Error("watching the free space", "error", err)
			failed = text
		} else if err == nil {
			failed = ""
		}
		last = state
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// reportSpace logs what changed since the last measurement, and stores the event and the emails of an episode once. After a failure, the
// next call repeats it.
func (a *app) reportSpace(ctx context.Context, last, state diskspace.State) error {
	switch {
	case state.Reserved == 0 && last.Reserved > 0:
		a.log.Warn("the disk is nearly full: the reserve is used", "free", store.Size(state.Free))
	case state.Reserved > 0 && last.Reserved == 0:
		a.log.Info("reserved disk space", "reserve", store.Size(state.Reserved), "free", store.Size(state.Free))
	}
	if state.Low && !last.Low {
		a.log.Warn("free space is low: make room on the disk of the data directory", "free", store.Size(state.Free))
	}
	if !state.Low && last.Low {
		a.log.Info("there is enough free space again", "free", store.Size(state.Free))
	}
	var known bool
	err := a.dataDir.Store.View(ctx, func(s store.Snapshot) (err error) {
		known, err = store.IsLowSpace(s)
		return err
	})
	if err != nil || known == state.Low {
		return err
	}
	action, outcome := audit.SpaceLow, audit.Unknown
	if !state.Low {
		action, outcome = audit.SpaceRecovered, audit.Success
	}
	recorded, err := account.Update(ctx, a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (bool, error) {
		if known, err := store.IsLowSpace(tx.Raw); err != nil || known == state.Low {
			return false, err
		}
		if err := store.SetLowSpace(tx.Raw, state.Low); err != nil {
			return false, err
		}
		return true, tx.Audit(audit.Event{Actor: audit.System, Action: action, Outcome: outcome,
			Detail: map[string]string{"free": store.Size(state.Free), "reserve": store.Size(state.Reserved)}})
	})
	if err != nil || !recorded || !state.Low {
		return err
	}
	at := now()
	return a.directory.Admin.NotifyOperators(ctx, func(name string) notice.Notice {
		return notice.SpaceLow{Context: notice.Context{Name: name, At: at}, Free: store.Size(state.Free)}
	})
}
