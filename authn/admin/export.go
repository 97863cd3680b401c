package admin

import (
	"context"
	"errors"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/store"
)

// maxExportedEvents is the maximum number of events of an export, the newest ones.
const maxExportedEvents = 10_000

// Export is what is kept about a user in the tables of accounts, tokens, emails and the log. It has no secrets.
type Export struct {
	User     account.User
	Failures throttle.Failures
	Tokens   []Token            // that act as the user
	Mails    []mail.MessageInfo // to the user, that wait or were given up
	Events   []audit.Entry      // that name the user as user, actor or target, newest first
	More     bool               // there are older events
}

// ExportUser collects an Export for an access request (GDPR article 15), and records that. Only the operator or a SUPER_ADMIN of all groups may do this:
// the events and emails of a user also show other groups.
func (s *Service) ExportUser(ctx context.Context, p Principal, req account.RequestInfo, id string) (Export, error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return Export{}, err
	}
	u, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (account.User, error) {
		u, err := FindUser(tx.Reader, p, PermRead, id)
		if err != nil {
			return u, err
		}
		return u, tx.Audit(p.Event(audit.UserExported, &u))
	})
	if err != nil {
		return Export{}, err
	}
	out := Export{User: WithoutSecrets(u)}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		if out.Failures, err = s.Accounts.Failures.Get(snap, s.Accounts.FailureID(u.ID)); err != nil {
			return err
		}
		out.Tokens = nil
		return s.tokens.Scan(snap, "", "", 0, func(_ string, t Token) error {
			if t.Owner == string(u.ID) {
				out.Tokens = append(out.Tokens, t)
			}
			return nil
		})
	})
	return out, errors.Join(err, s.exportMails(ctx, &out), s.exportEvents(ctx, &out))
}

// exportMails adds the emails to the user.
func (s *Service) exportMails(ctx context.Context, out *Export) error {
	for list := (mail.List{Limit: 500}); ; {
		var items []mail.MessageInfo
		err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
			items, list.After, err = s.Accounts.Outbox.Items(snap, list)
			return err
		})
		for _, m := range items {
			if m.Recipient == string(out.User.ID) {
				out.Mails = append(out.Mails, m)
			}
		}
		if err != nil || list.After == "" {
			return err
		}
	}
}

// exportEvents adds the events that name the user, page by page.
func (s *Service) exportEvents(ctx context.Context, out *Export) error {
	for q := (audit.Query{Entities: []string{string(out.User.ID)}, Descending: true, Limit: 1000}); ; {
		var page []audit.Entry
		err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
			page, q.After, err = s.Accounts.Log.Scan(snap, q)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading the events of an export: %w", err)
		}
		if out.Events = append(out.Events, page...); len(out.Events) >= maxExportedEvents {
			out.More = q.After != ""
			return nil
		}
		if q.After == "" {
			return nil
		}
	}
}
