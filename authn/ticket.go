package authn

import (
	"context"
	"crypto/hmac"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/account/origin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// IssueTicket issues a ticket for a new enrolment (protocol rule 7) and returns its link token and short code. The
// link token is empty if life is at most ScreenTicketTTL. The caller delivers them and saves the user.
func (s *Service) IssueTicket(tx *account.Tx, u *account.User, provenance string,
	life time.Duration) (link, code secret.Value, t account.Ticket, err error) {
	now := tx.Op.Now
	valid := slices.DeleteFunc(slices.Clone(u.Tickets), func(t account.Ticket) bool { return !now.Before(t.Expires) })
	for len(valid) >= account.MaxTickets {
		if err := tx.DeleteLink(valid[0].Link); err != nil {
			return secret.Value{}, secret.Value{}, account.Ticket{}, err
		}
		valid = valid[1:]
	}
	code = tx.Op.Code("ticket")
	t = account.Ticket{ID: tx.Op.ID("ticket"), Code: s.ticketMAC(u.ID, code.Reveal()), Provenance: provenance, Made: now, Expires: now.Add(life)}
	if life > account.ScreenTicketTTL { // a code shown on screen has no link
		// The record of the link outlives the ticket, so that the page can say that it expired and send another.
		if link, err = tx.PutLink("ticket link", account.Link{User: u.ID, Purpose: account.PurposeTicket, Ticket: t.ID, Expires: now.Add(account.TicketRenewalWindow)}); err != nil {
			return secret.Value{}, secret.Value{}, account.Ticket{}, err
		}
		t.Link = link.Key()
	}
	if provenance == account.ProvenanceEmail {
		t.AddressSetBy = u.EmailProvenance.By
	}
	u.Tickets = append(valid, t)
	return link, code, t, nil
}

// MailTicket issues a ticket of some administrators, by their owners, and sends it to the user's first address. It returns the errors of
// CheckMailTicket.
func (s *Service) MailTicket(tx *account.Tx, u *account.User, owners ...string) (account.Ticket, error) {
	if err := CheckMailTicket(tx.Reader, u, tx.Op.Now, owners...); err != nil {
		return account.Ticket{}, err
	}
	link, code, t, err := s.IssueTicket(tx, u, account.ProvenanceEmail, account.TicketTTL)
	if err != nil {
		return t, err
	}
	m := notice.DevicesReset{Context: tx.About(u), Link: s.URL("/ticket/" + link.Reveal()), Code: code.Reveal(), Until: t.Expires}
	return t, tx.SendTo(u, u.Addresses()[:1], m, t.Expires)
}

// newAccounts is how long an administrator and those whose account or role they made do not count as two.
const newAccounts = 30 * 24 * time.Hour

// CheckMailTicket returns WrongState if the address of u changed recently. It returns Forbidden if one of the administrators who want to
// mail a ticket there wrote the address and the user has not verified it, or is not independent of its writer (protocol rule 13).
func CheckMailTicket(r account.Reader, u *account.User, now time.Time, owners ...string) error {
	if u.AddressChanged(now) {
		return errcode.WrongStateFor(errcode.ReasonAddressChanged)
	}
	writer := u.AddressWriter()
	if writer == "" {
		return nil
	}
	for _, owner := range owners {
		related, err := RelatedOwners(r, writer, owner, now)
		if err != nil {
			return err
		}
		if related {
			return errcode.ForbiddenFor(errcode.ReasonWroteAddress)
		}
	}
	return nil
}

// RelatedOwners reports whether two owners do not count as two administrators, because of what the records say of the last 30 days.
func RelatedOwners(r account.Reader, a, b string, now time.Time) (bool, error) {
	return origin.Related(a, b, now.Add(-newAccounts), func(owner string) (origin.Sponsors, error) {
		u, err := r.User(account.UserID(owner))
		if account.Missing(err) { // an operator, or deleted
			return nil, nil
		}
		return u.Sponsors, err
	})
}

// ticketMAC returns the stored form of a short code. A plain hash of 40 bits can be searched in seconds.
func (s *Service) ticketMAC(id account.UserID, code string) []byte {
	return s.Accounts.Pepper.MAC("ticket", []byte(id), []byte(secret.NormalizeShortCode(code)))
}

// ticketOutcome is the stored result of presenting a ticket.
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

// RedeemTicketCode verifies a short code typed in a transaction after the password. A code that was handed over is wrong in every
// other transaction (protocol rule 9). Wrong codes have their own limit (protocol rule 17). InvalidTicket, TicketExpired and SameProvenance state why it was rejected.
func (s *Service) RedeemTicketCode(ctx context.Context, req account.RequestInfo, transaction secret.Value,
	typed string) (Step, error) {
	return s.redeemTicket(ctx, req, transaction, func(tx *account.Tx, tr *Transaction, u *account.User) (int, errcode.Code) {
		mac := s.ticketMAC(u.ID, typed)
		for i, t := range u.Tickets {
			if hmac.Equal(t.Code, mac) && (t.Witness == "" || t.Transaction == tr.ID) {
				return i, ""
			}
		}
		return -1, errcode.InvalidTicket
	})
}

// RedeemTicketLink binds the ticket of a mailed link to a transaction after the password of the same user.
func (s *Service) RedeemTicketLink(ctx context.Context, req account.RequestInfo, transaction, token secret.Value) (Step, error) {
	return s.redeemTicket(ctx, req, transaction, func(tx *account.Tx, tr *Transaction, u *account.User) (int, errcode.Code) {
		l, owner, err := tx.Link(token, account.PurposeTicket, tx.Op.Now)
		if err != nil || owner.ID != u.ID {
			return -1, errcode.InvalidLink
		}
		return slices.IndexFunc(u.Tickets, func(t account.Ticket) bool { return t.ID == l.Ticket }), errcode.InvalidLink
	})
}

func (s *Service) redeemTicket(ctx context.Context, req account.RequestInfo, transaction secret.Value,
	find func(*account.Tx, *Transaction, *account.User) (int, errcode.Code)) (Step, error) {
	op := s.Accounts.NewOperation(req)
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (ticketOutcome, error) {
		tr, u, step, err := s.LoadTransaction(tx.Reader, transaction, op.Now)
		if err != nil {
			return ticketOutcome{}, err
		}
		if step != StepTicket && !(step == StepEnrol && tr.Ticket != ticketInvitation) {
			return ticketOutcome{}, errcode.New(errcode.WrongState)
		}
		wait, f, err := s.deviceWait(tx.Reader, op.Now, &u, throttle.Ticket, tr.KnownBrowser)
		if err != nil || wait > 0 {
			return ticketOutcome{wait: wait}, err
		}
		i, code := find(tx, &tr, &u)
		if i < 0 {
			return s.rejectTicket(tx, &u, f, tr.KnownBrowser, code)
		}
		return s.bindTicket(tx, transaction, tr, &u, i)
	})
	if err != nil {
		return StepExpired, err
	}
	return out.result()
}

func (s *Service) rejectTicket(tx *account.Tx, u *account.User, f throttle.Failures, known bool,
	code errcode.Code) (ticketOutcome, error) {
	if code == errcode.InvalidTicket { // a link cannot be guessed and is not counted
		if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, s.Accounts.FailureID(u.ID), f.WithFailure(tx.Op.Now, throttle.Ticket, known)); err != nil {
			return ticketOutcome{}, fmt.Errorf("counting a wrong ticket: %w", err)
		}
	}
	return ticketOutcome{code: code}, tx.AuditUser(u, audit.TicketRefused, audit.Failure, string(code))
}

// bindTicket binds the ticket to this transaction. What another transaction enrolled with it and did not confirm is
// void. Password and ticket must have different provenance (protocol rule 8).
func (s *Service) bindTicket(tx *account.Tx, transaction secret.Value, tr Transaction, u *account.User,
	i int) (ticketOutcome, error) {
	t := u.Tickets[i]
	switch {
	case !tx.Op.Now.Before(t.Expires):
		return s.rejectTicket(tx, u, throttle.Failures{}, tr.KnownBrowser, errcode.TicketExpired)
	case account.ShareProvenance(tr.Provenances(u), t.Provenances()):
		return s.rejectTicket(tx, u, throttle.Failures{}, tr.KnownBrowser, errcode.SameProvenance)
	}
	u.Tickets = slices.Clone(u.Tickets)
	u.Tickets[i].Transaction = tr.ID
	tr.Ticket, tr.Enrol, tr.Mailed = t.ID, nil, t.Provenance == account.ProvenanceEmail
	tr.Extend(tx.Op.Now)
	if err := s.PutTransaction(tx, transaction, tr); err != nil {
		return ticketOutcome{}, err
	}
	if err := tx.AuditUser(u, audit.TicketPresented, audit.Success, ""); err != nil {
		return ticketOutcome{}, err
	}
	return ticketOutcome{step: s.Next(&tr, u, tx.Op.Now)}, tx.Save(u)
}

// SpendTickets ends every ticket and invitation of the user after a device is confirmed.
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
	// ResetAt ends with the tickets: a device that is lost later needs a new reset (protocol rule 10).
	u.Tickets, u.Invited.Link, u.ResetAt = nil, "", time.Time{}
	if u.Resets > 0 && u.ReenrolledAt.IsZero() {
		u.ReenrolledAt = tx.Op.Now // the cool-off ends 24 hours later (protocol rule 11)
	}
	return nil
}

// ResendTicket sends another ticket to a user who has verified the password. It allows three per day, for a week
// after the reset (protocol rule 10).
func (s *Service) ResendTicket(ctx context.Context, req account.RequestInfo, transaction secret.Value) error {
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, step, err := s.LoadTransaction(tx.Reader, transaction, op.Now)
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

// TicketLink returns nil if a mailed ticket link is valid, else InvalidLink or TicketExpired. It changes nothing.
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
