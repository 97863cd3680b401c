package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/internal/mail"
	"barillet/internal/notice"
)

// Recipient is somebody besides the person who is told of a reset.
type Recipient struct {
	id      string // for joining notices; "support" for the house's support
	address string
	locale  string
	name    string
}

const (
	MaxRecipientsPerUpdate = 6   // in the Update of the reset: see resetting.do
	toldLater              = 32  // in each that follows it
	mostAreTold            = 200 // beyond it the log alone tells
)

// ResetRecipients lists who else hears of a reset, support first: for somebody of a garage its managers, who are the
// HELP_DESK_ADMINs limited to groups that name one of theirs; for somebody with a role, for somebody without a
// manager and for a code that is handed over also support; for the machine's owner every administrator
// (PROTOCOL 9, 11). The person and the one who acts are left out. It reads through all people: a reset is rare.
func (d *Service) ResetRecipients(ctx context.Context, op Principal, u *account.User, handed bool) ([]Recipient, error) {
	var managers, admins []Recipient
	keep := func(x account.User) bool {
		return len(x.Roles) > 0 && x.Status == account.StatusActive && x.Email != "" && x.ID != u.ID && string(x.ID) != op.Owner
	}
	for after := ""; ; {
		people, next, err := d.Accounts.ListUsers(ctx, account.UserQuery{After: after, Filter: keep})
		if err != nil {
			return nil, err
		}
		for i := range people {
			switch x := &people[i]; {
			case op.Operator && x.Rank() >= account.RoleUserAdmin.Rank():
				admins = append(admins, d.entry(x))
			case manages(x, u.Groups):
				managers = append(managers, d.entry(x))
			}
		}
		if after = next; next == "" {
			break
		}
	}
	all := slices.Concat(managers, admins)
	if support := d.Accounts.Policy.Support; support != "" && (handed || len(u.Roles) > 0 || len(managers) == 0) {
		all = slices.Insert(all, 0, Recipient{"support", support, d.Accounts.Policy.DefaultLocale, ""})
	}
	return all[:min(len(all), mostAreTold)], nil
}

func (d *Service) entry(x *account.User) Recipient {
	return Recipient{string(x.ID), x.Email, d.Accounts.Locale(x), x.DisplayName()}
}

// manages tells whether somebody is a manager of one of the garages.
func manages(x *account.User, garages []account.GroupID) bool {
	return slices.ContainsFunc(x.Roles, func(g account.RoleAssignment) bool {
		return g.Role == account.RoleHelpDesk && slices.ContainsFunc(g.Groups, func(id account.GroupID) bool { return slices.Contains(garages, id) })
	})
}

// NotifyRemaining queues the others' in Updates of their own, so that the reset keeps within the limits of one. A crash
// between loses these and nothing else: the event is in the log.
func (d *Service) NotifyRemaining(ctx context.Context, req account.RequestInfo, m func(string) notice.Notice, rest []Recipient) error {
	for part := range slices.Chunk(rest, toldLater) {
		if _, err := account.Update(ctx, d.Accounts, d.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
			return struct{}{}, d.Queue(tx, m, part)
		}); err != nil {
			return fmt.Errorf("telling of a reset that is done: %w", err)
		}
	}
	return nil
}

// Queue writes notices that are joined where more than ten wait for somebody (PROTOCOL 18).
func (d *Service) Queue(tx *account.Tx, m func(string) notice.Notice, to []Recipient) error {
	for _, t := range to {
		what := m(t.name)
		data, err := json.Marshal(what)
		if err != nil {
			return fmt.Errorf("composing mail %s: %w", what.Name(), err)
		}
		row := mail.Message{Template: what.Name(), Lang: t.locale, To: []string{t.address}, Data: data,
			Queued: tx.Op.Now, Notice: true, Key: t.id}
		if err := d.Accounts.Outbox.Queue(tx.Raw, tx.NewRecordID("told"), row); err != nil {
			return fmt.Errorf("telling of a reset: %w", err)
		}
	}
	return nil
}
