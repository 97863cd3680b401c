package certificate

import (
	"context"
	"log/slog"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/notice"
	"barillet/store"
)

// watchInterval is how often the state of the certificate is reported.
const watchInterval = time.Minute

// Watch warns the operator of problems with a certificate: by a log line, an audit event, and emails to the administrators.
type Watch struct {
	Source   *Source // nil: there is no certificate
	Accounts *account.Service
	Notify   func(context.Context, func(name string) notice.Notice) error // sends an email to the operators
	Log      *slog.Logger
}

// Run reports the state until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	if w.Source == nil {
		return nil
	}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		if err := w.report(ctx, w.Source.Status()); err != nil && ctx.Err() == nil {
			w.Log.Error("reporting the state of the certificate", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// report stores the event and the emails of a problem once, also over restarts. After a failure, the next call repeats it. While it
// is not known whether the last problem ended, it reports nothing. The end of ctx does not come between event and emails.
func (w *Watch) report(ctx context.Context, state Status) error {
	if state.Problem == "" && (state.Err != nil || state.NotAfter.IsZero()) {
		return nil
	}
	var known string
	err := w.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		known, err = store.CertificateProblem(s)
		return err
	})
	if err != nil || known == state.Problem {
		return err
	}
	event := audit.Event{Actor: audit.System, Action: audit.CertProblem, Outcome: audit.Unknown, Detail: map[string]string{"problem": state.Problem}}
	if state.Problem == "" {
		event.Action, event.Outcome, event.Detail = audit.CertRecovered, audit.Success, map[string]string{}
	}
	if !state.NotAfter.IsZero() {
		event.Detail["expires"] = state.NotAfter.UTC().Format(time.RFC3339)
	}
	recorded, err := account.Update(ctx, w.Accounts, w.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (bool, error) {
		if stored, err := store.CertificateProblem(tx.Raw); err != nil || stored == state.Problem {
			return false, err
		}
		if err := store.SetCertificateProblem(tx.Raw, state.Problem); err != nil {
			return false, err
		}
		return true, tx.Audit(event)
	})
	if err != nil || !recorded {
		return err
	}
	if state.Problem == "" {
		w.Log.Info("the certificate is in order again", "expires", state.NotAfter)
		return nil
	}
	w.Log.Warn("the certificate has a problem", "problem", state.Problem, "expires", state.NotAfter, "error", state.Err)
	at := w.Accounts.Now()
	return w.Notify(context.WithoutCancel(ctx), func(name string) notice.Notice {
		return notice.CertificateProblem{Context: notice.Context{Name: name, At: at}, Expires: state.NotAfter, Problem: state.Problem}
	})
}
