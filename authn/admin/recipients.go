package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/authn/roster"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/store"
)

// Recipient receives a notification about an operation on another user.
type Recipient struct {
	id      string // of the user; empty for support
	address string
	locale  string
	name    string
}

const (
	MaxRecipientsPerUpdate      = 6   // in the transaction of a reset, which is limited to 96 keys
	maxRecipientsPerLaterUpdate = 32  // in each later transaction
	maxRecipients               = 200 // of one operation; the audit log has the event in any case
)

// ResetRecipients returns the recipients of a notification about a reset of u, support first (protocol rules 9 and 11).
// They exclude u and the owner of p.
//
// The managers of a group are its HELP_DESK_ADMINs with a group scope. They receive a notification for the users of
// their group. Support receives one if u has a role or no manager, or if onScreen is set. If the operator resets u,
// every administrator receives one. The function reads the administrators of these groups only, or all of them.
func (s *Service) ResetRecipients(ctx context.Context, p Principal, u *account.User, onScreen bool) ([]Recipient, error) {
	others := func(x *account.User) bool {
		return x.Status == account.StatusActive && x.Email != "" && x.ID != u.ID && string(x.ID) != p.Owner
	}
	atLeast := account.RoleUserAdmin.Rank()
	managers, err := s.recipients(ctx, roster.HolderQuery{Groups: u.Groups, Filter: func(x *account.User) bool {
		return others(x) && manages(x, u.Groups) && !(p.Operator && x.Rank() >= atLeast)
	}})
	if err != nil {
		return nil, err
	}
	all := managers
	if p.Operator {
		admins, err := s.recipients(ctx, roster.HolderQuery{Everywhere: true, MinRank: atLeast, Filter: others})
		if err != nil {
			return nil, err
		}
		all = slices.Concat(managers, admins)
	}
	if support := s.Accounts.Policy.Support(); support != "" && (onScreen || len(u.Roles) > 0 || len(managers) == 0) {
		all = slices.Insert(all, 0, Recipient{"", support, s.Accounts.Policy.DefaultLocale, ""})
	}
	return all[:min(len(all), maxRecipients)], nil
}

// Approvers returns the administrators who may approve an operation that p asks for on u, without u and the owner of p. allowed returns
// nil for a principal that may perform it.
func (s *Service) Approvers(ctx context.Context, p Principal, u *account.User, allowed func(Principal) error) ([]Recipient, error) {
	now := s.Accounts.Now()
	return s.recipients(ctx, roster.HolderQuery{All: true, Groups: u.Groups, Filter: func(x *account.User) bool {
		return x.Status == account.StatusActive && x.Email != "" && x.ID != u.ID && string(x.ID) != p.Owner && allowed(holder(x, now)) == nil
	}})
}

// recipients returns the selected administrators as recipients, at most maxRecipients.
func (s *Service) recipients(ctx context.Context, q roster.HolderQuery) (all []Recipient, err error) {
	q.Limit = maxRecipients
	found, err := roster.Holders(ctx, s.Accounts, q)
	for i := range found {
		all = append(all, s.recipient(&found[i]))
	}
	return all, err
}

// recipient returns x as a recipient.
func (s *Service) recipient(x *account.User) Recipient {
	return Recipient{string(x.ID), x.Email, s.Accounts.Locale(x), x.DisplayName()}
}

// manages reports whether x is a manager of one of the groups.
func manages(x *account.User, groups []account.GroupID) bool {
	return slices.ContainsFunc(x.Active().Roles, func(g account.RoleAssignment) bool {
		return g.Role == account.RoleHelpDesk && slices.ContainsFunc(g.Groups, func(id account.GroupID) bool { return slices.Contains(groups, id) })
	})
}

// NotifyRemaining queues notifications in transactions of their own, because the transaction of the operation is
// limited in size. A crash can lose these notifications; the audit event is already stored.
func (s *Service) NotifyRemaining(ctx context.Context, req account.RequestInfo, m func(string) notice.Notice, rest []Recipient) error {
	for part := range slices.Chunk(rest, maxRecipientsPerLaterUpdate) {
		if _, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
			return struct{}{}, s.Queue(tx, m, part)
		}); err != nil {
			return fmt.Errorf("notifying recipients: %w", err)
		}
	}
	return nil
}

// Queue queues a notification for each recipient. If more than ten wait for a recipient, the outbox combines them
// (protocol rule 18).
func (s *Service) Queue(tx *account.Tx, m func(string) notice.Notice, to []Recipient) error {
	for _, t := range to {
		what := m(t.name)
		data, err := json.Marshal(what)
		if err != nil {
			return fmt.Errorf("encoding notification %s: %w", what.Name(), err)
		}
		row := mail.Message{Template: what.Name(), Lang: t.locale, To: []string{t.address}, Data: data,
			Queued: tx.Op.Now, Notice: true, Recipient: t.id}
		if err := s.Accounts.Outbox.Queue(tx.Raw, tx.NewRecordID("recipient"), row); err != nil {
			return fmt.Errorf("queueing notification %s: %w", what.Name(), err)
		}
	}
	return nil
}

// NotifyOperators notifies support and every SUPER_ADMIN of an event of the service itself.
func (s *Service) NotifyOperators(ctx context.Context, m func(string) notice.Notice) error {
	all, err := s.PeerAdministrators(ctx, Principal{}, &account.User{}, account.RoleSuperAdmin.Rank())
	if err != nil {
		return err
	}
	if support := s.Accounts.Policy.Support(); support != "" {
		all = slices.Insert(all, 0, Recipient{"", support, s.Accounts.Policy.DefaultLocale, ""})
	}
	return s.NotifyRemaining(ctx, account.RequestInfo{}, m, all)
}

// SweepMail returns the sweep of emails to deleted users: those that were given up, and those with a link. A notification that
// waits is sent, so that an account cannot be stolen and deleted in silence, or is erased with the log.
func (s *Service) SweepMail() store.TableSweep {
	return s.Accounts.Outbox.SweepUseless(func(r store.Reader, m mail.MessageInfo) (bool, error) {
		_, err := s.Accounts.Reader(r).Summary(account.UserID(m.Recipient))
		if deleted, err := account.IsDeleted(err); !deleted {
			return false, err
		}
		if m.Dead || !m.ExpiresAt.IsZero() {
			return true, nil
		}
		return s.Accounts.Log.IsErased(r, m.Recipient)
	})
}
