// Package generation makes a store that comes from a backup a new generation: it ends what a state of the past must not bring back
// (protocol rule 33). It does not read backups and opens no store. It changes the store in many Updates: the caller works on a copy
// that nobody uses, and begins again with another copy after an error or a kill.
package generation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/webhook"
	"barillet/store"
)

// ErrIncomplete is wrapped by the error for a log from which the retention policy removed events that ended something.
var ErrIncomplete = errors.New("the log lacks events that ended something")

// Clients closes clients. Package oidc/client implements it.
type Clients interface {
	// Close deletes a client, or, if remove is false, lets no user and no service use it until it is changed. A missing client is no error.
	Close(tx *account.Tx, id string, remove bool) error
	// CloseServices closes each service client, and returns their number.
	CloseServices(ctx context.Context) (int, error)
}

// Renewal has what a new generation needs. All fields are required.
type Renewal struct {
	Accounts    *account.Service
	Tree        *tree.Tree
	Hooks       *webhook.Endpoints
	Clients     Clients
	Clear       func(ctx context.Context, table store.TableDef) (int, error) // deletes each record of a table
	SigningKeys []string                                                     // ids of their records
	Actor       audit.Actor
	// Applied is called for each event of the log that ends something in this store again, or states something that is lost. It is
	// called again if an Update is repeated, never concurrently.
	Applied func(e audit.Event, lost bool)
}

// Source describes the backup.
type Source struct {
	At      time.Time // when it was made
	Entries int64     // of its audit log
	// Log is the log since the backup, which was imported and verified. Without it, Run assumes that everything may have ended.
	Log *tree.Imported
}

// Report counts what Run ended.
type Report struct {
	Generation uint64
	Records    int64 // sessions, links, grants, tokens and other records of the cleared tables
	Users      int64
	Frozen     int64 // devices whose used codes are not known
	Lists      int64 // of recovery codes
	Passwords  int64 // that must change
	Roles      int64 // that rest
	Unreadable int64 // users
	Applied    int64 // events of the log that ended something
	Lost       int64 // events of the log about what is not in the backup
	Services   int64 // service clients that are closed
	Webhooks   int64 // that are disabled
}

// Run makes the store a new generation.
func (r *Renewal) Run(ctx context.Context, from Source) (out Report, err error) {
	if log := from.Log; log != nil && log.Removed[audit.LaneSecurity] > 0 {
		return out, fmt.Errorf("%w: the retention policy removed %d of them", ErrIncomplete, log.Removed[audit.LaneSecurity])
	}
	run := &run{Renewal: r, ctx: ctx, from: from, op: r.Accounts.NewOperation(account.RequestInfo{}), out: &out}
	for _, step := range []func() error{run.clearTables, run.endSetupLink, run.renewUsers, run.applyLog, run.acceptLoss, run.record} {
		if err := step(); err != nil {
			return out, fmt.Errorf("making a new generation: %w", err)
		}
	}
	return out, nil
}

// run is one Run.
type run struct {
	*Renewal
	ctx  context.Context
	from Source
	op   *account.Operation
	out  *Report
}

// clearTables deletes the records of the tables that no generation keeps.
func (r *run) clearTables() error {
	for _, table := range store.TableDefs() {
		if !ended[table.Prefix] {
			continue
		}
		n, err := r.Clear(r.ctx, table)
		if err != nil {
			return err
		}
		r.out.Records += int64(n)
	}
	return nil
}

// endSetupLink ends a setup link, and keeps the mark that there was a SUPER_ADMIN.
func (r *run) endSetupLink() error {
	var ended bool
	err := r.Accounts.View(r.ctx, func(reader account.Reader) error {
		record, err := r.Accounts.Setup.Get(reader.Raw)
		ended = !record.Ended.IsZero()
		return err
	})
	if err != nil || ended {
		return err
	}
	_, err = r.Clear(r.ctx, store.Setup)
	return err
}

// acceptLoss ends what may have ended since the backup, if no log tells.
func (r *run) acceptLoss() error {
	if r.from.Log != nil {
		return nil
	}
	if _, err := r.Clear(r.ctx, store.SignKeys); err != nil {
		return err
	}
	n, err := r.Clients.CloseServices(r.ctx)
	if err != nil {
		return err
	}
	r.out.Services = int64(n)
	_, err = account.Update(r.ctx, r.Accounts, r.op, func(tx *account.Tx) (struct{}, error) {
		r.out.Webhooks = 0
		return struct{}{}, r.Hooks.Change(tx.Raw, func(all *webhook.EndpointList) error {
			for i := range all.Hooks {
				if all.Hooks[i].DisabledReason == "" {
					all.Hooks[i].DisabledReason = webhook.DisabledByAdmin
					r.out.Webhooks++
				}
			}
			return nil
		})
	})
	return err
}

// record stores the generation and its event.
func (r *run) record() error {
	_, err := account.Update(r.ctx, r.Accounts, r.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (struct{}, error) {
		none := struct{}{}
		last, err := store.GenerationOf(tx.Raw)
		if err != nil {
			return none, err
		}
		r.out.Generation = last.Number + 1
		if err := store.SetGeneration(tx.Raw, store.Generation{Number: r.out.Generation, At: tx.Op.Now}); err != nil {
			return none, err
		}
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		e := audit.Event{Actor: r.Actor, Action: audit.StoreRestored, Outcome: audit.Success, Detail: map[string]string{
			"generation": strconv.FormatUint(r.out.Generation, 10), "backup": r.from.At.UTC().Format(time.RFC3339), "entries": number(r.from.Entries),
			"users": number(r.out.Users), "records": number(r.out.Records), "log": "lost"}}
		if log := r.from.Log; log != nil {
			e.Detail["log"], e.Detail["applied"], e.Detail["lost"] = "to entry "+number(log.To), number(r.out.Applied), number(r.out.Lost)
		}
		return none, tx.Audit(e)
	})
	return err
}
