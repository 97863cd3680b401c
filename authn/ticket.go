package authn

import (
	"context"
	"crypto/hmac"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// IssueTicket gives the person a ticket to enrol again with (PROTOCOL 7) and returns its link token, empty for
// one that lives no longer than ScreenTicketTTL, and its short code. The caller mails or shows them and saves the person.
func (s *Service) IssueTicket(tx *account.Tx, u *account.User, way string, life time.Duration) (link, code secret.Value, t account.Ticket, err error) {
	now := tx.Op.Now
	alive := slices.DeleteFunc(slices.Clone(u.Tickets), func(t account.Ticket) bool { return !now.Before(t.Expires) })
	for len(alive) >= account.MaxTickets {
		if err := tx.DeleteLink(alive[0].Link); err != nil {
			return secret.Value{}, secret.Value{}, account.Ticket{}, err
		}
		alive = alive[1:]
	}
	code = tx.Op.Code("ticket")
	t = account.Ticket{ID: tx.Op.ID("ticket"), Code: s.ticketMAC(u.ID, code.Reveal()), Provenance: way, Made: now, Expires: now.Add(life)}
	if life > account.ScreenTicketTTL { // a code for the counter has no link
		// The link's record outlives the ticket, so that an expired one can say so and offer another.
		if link, err = tx.PutLink("ticket link", account.Link{User: u.ID, Purpose: account.PurposeTicket, Ticket: t.ID, Expires: now.Add(account.TicketRenewalWindow)}); err != nil {
			return secret.Value{}, secret.Value{}, account.Ticket{}, err
		}
		t.Link = link.Hash()
	}
	if way == account.ProvenanceEmail {
		t.AddressSetBy = u.EmailProvenance.By
	}
	u.Tickets = append(alive, t)
	return link, code, t, nil
}

// MailTicket issues a ticket and queues its mail to the person's first address. WrongState: that address is too young.
func (s *Service) MailTicket(tx *account.Tx, u *account.User) (account.Ticket, error) {
	if u.AddressChanged(tx.Op.Now) {
		return account.Ticket{}, errcode.WrongStateFor(errcode.ReasonAddressChanged)
	}
	link, code, t, err := s.IssueTicket(tx, u, account.ProvenanceEmail, account.TicketTTL)
	if err != nil {
		return t, err
	}
	m := notice.DevicesReset{Context: tx.About(u), Link: s.URL("/ticket/" + link.Reveal()), Code: code.Reveal(), Until: t.Expires}
	return t, tx.SendTo(u.Addresses()[:1], s.Accounts.Locale(u), m, t.Expires)
}

// ticketMAC keeps a short code: a plain hash of 40 bits would be searched through in a moment.
func (s *Service) ticketMAC(id account.UserID, code string) []byte {
	return s.Accounts.Pepper.MAC("ticket", []byte(id), []byte(secret.NormalizeShortCode(code)))
}

// TicketOutcome is what presenting a ticket came to, stored before it is told.
type ticketOutcome struct {
	step Step
	code errcode.Code
	wait time.Duration
}

func (o ticketOutcome) result() (Step, error) {
	switch {
	case o.wait > 0:
		return StepTicket, errcode.RateLimit(o.wait)
	case o.code != "":
		return StepTicket, errcode.New(o.code)
	}
	return o.step, nil
}

// RedeemTicketCode judges a short code typed in a login whose password is proven. Its own limit of wrong answers
// holds (PROTOCOL 17); InvalidTicket, TicketExpired and SameProvenance say why it was refused.
func (s *Service) RedeemTicketCode(ctx context.Context, req account.RequestInfo, login secret.Value, typed string) (Step, error) {
	return s.redeemTicket(ctx, req, login, func(tx *account.Tx, u *account.User) (int, errcode.Code) {
		mac := s.ticketMAC(u.ID, typed)
		for i, t := range u.Tickets {
			if hmac.Equal(t.Code, mac) {
				return i, ""
			}
		}
		return -1, errcode.InvalidTicket
	})
}

// RedeemTicketLink binds the ticket of a mailed link to a login that has just proven the same person's password.
func (s *Service) RedeemTicketLink(ctx context.Context, req account.RequestInfo, login, token secret.Value) (Step, error) {
	return s.redeemTicket(ctx, req, login, func(tx *account.Tx, u *account.User) (int, errcode.Code) {
		l, owner, err := tx.Link(token, account.PurposeTicket, tx.Op.Now)
		if err != nil || owner.ID != u.ID {
			return -1, errcode.InvalidLink
		}
		return slices.IndexFunc(u.Tickets, func(t account.Ticket) bool { return t.ID == l.Ticket }), errcode.InvalidLink
	})
}

func (s *Service) redeemTicket(ctx context.Context, req account.RequestInfo, login secret.Value, find func(*account.Tx, *account.User) (int, errcode.Code)) (Step, error) {
	op := s.Accounts.NewOperation(req)
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (ticketOutcome, error) {
		l, u, step, err := s.LoadTransaction(tx.Reader, login, op.Now)
		if err != nil {
			return ticketOutcome{}, err
		}
		if step != StepTicket && !(step == StepEnrol && l.Ticket != TicketInvitation) {
			return ticketOutcome{}, errcode.New(errcode.WrongState)
		}
		wait, f, err := s.deviceWait(tx.Reader, op.Now, &u, throttle.Ticket, l.KnownBrowser)
		if err != nil || wait > 0 {
			return ticketOutcome{wait: wait}, err
		}
		i, code := find(tx, &u)
		if i < 0 {
			return s.rejectTicket(tx, &u, f, l.KnownBrowser, code)
		}
		return s.bindTicket(tx, login, l, &u, i)
	})
	if err != nil {
		return StepExpired, err
	}
	return out.result()
}

func (s *Service) rejectTicket(tx *account.Tx, u *account.User, f throttle.Failures, known bool, code errcode.Code) (ticketOutcome, error) {
	if code == errcode.InvalidTicket { // links are not guessed and not counted
		if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, s.Accounts.FailureID(u.ID), f.WithFailure(tx.Op.Now, throttle.Ticket, known)); err != nil {
			return ticketOutcome{}, fmt.Errorf("counting a wrong ticket: %w", err)
		}
	}
	return ticketOutcome{code: code}, tx.AuditUser(u, audit.TicketRefused, audit.Failure, string(code))
}

// bindTicket lets this login, and no other, enrol with the ticket; what another login had pending by it is
// worthless from now on. Password and ticket must have come by two hands (PROTOCOL 8).
func (s *Service) bindTicket(tx *account.Tx, secret secret.Value, l Transaction, u *account.User, i int) (ticketOutcome, error) {
	t := u.Tickets[i]
	switch {
	case !tx.Op.Now.Before(t.Expires):
		return s.rejectTicket(tx, u, throttle.Failures{}, l.KnownBrowser, errcode.TicketExpired)
	case account.ShareProvenance(l.provenances(u), t.Provenances()):
		return s.rejectTicket(tx, u, throttle.Failures{}, l.KnownBrowser, errcode.SameProvenance)
	}
	u.Tickets = slices.Clone(u.Tickets)
	u.Tickets[i].Transaction = l.ID
	l.Ticket, l.Enrol = t.ID, nil
	l.Extend(tx.Op.Now)
	if err := s.PutTransaction(tx, secret, l); err != nil {
		return ticketOutcome{}, err
	}
	if err := tx.AuditUser(u, audit.TicketPresented, audit.Success, ""); err != nil {
		return ticketOutcome{}, err
	}
	return ticketOutcome{step: s.Next(&l, u, tx.Op.Now)}, tx.Save(u)
}

// SpendTickets ends every ticket and invitation of the person: a device has been confirmed.
func (s *Service) SpendTickets(tx *account.Tx, u *account.User) error {
	for _, t := range u.Tickets {
		if err := tx.DeleteLink(t.Link); err != nil {
			return err
		}
	}
	if err := tx.DeleteLink(u.Invited.Link); err != nil {
		return err
	}
	if len(u.Tickets) > 0 {
		if err := tx.AuditUser(u, audit.TicketSpent, audit.Success, ""); err != nil {
			return err
		}
	}
	// The week of PROTOCOL 10 is over too: a device lost later needs a reset of its own, not the one before.
	u.Tickets, u.Invited.Link, u.ResetAt = nil, "", time.Time{}
	return nil
}

// ResendTicket mails a further ticket to a person who has proven the password, at most three a day and for a
// week after the reset (PROTOCOL 10).
func (s *Service) ResendTicket(ctx context.Context, req account.RequestInfo, login secret.Value) error {
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, step, err := s.LoadTransaction(tx.Reader, login, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		if step != StepTicket || !u.MayResendTicket(op.Now) {
			return struct{}{}, errcode.New(errcode.WrongState)
		}
		u.Renewals = append(account.LastDay(u.Renewals, op.Now), op.Now)
		if _, err := s.MailTicket(tx, &u); err != nil {
			return struct{}{}, err
		}
		if err := tx.AuditUser(&u, audit.TicketRenewed, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// TicketLink tells whether a mailed ticket link is still good, without changing anything: nil, InvalidLink or
// TicketExpired.
func (s *Service) TicketLink(ctx context.Context, token secret.Value) error {
	now := s.Accounts.Now()
	return s.Accounts.View(ctx, func(r account.Reader) error {
		l, u, err := r.Link(token, account.PurposeTicket, now)
		if err != nil {
			return err
		}
		for _, t := range u.Tickets {
			if t.ID == l.Ticket && now.Before(t.Expires) {
				return nil
			}
		}
		if s.Accounts.CountPrimary(&u) == 0 {
			return errcode.New(errcode.TicketExpired)
		}
		return errcode.New(errcode.InvalidLink)
	})
}
