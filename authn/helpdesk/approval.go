package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

const (
	approvalLife = 24 * time.Hour // how long a reset waits for a second administrator
	userID       = 27             // characters of a person's id
)

// ResetApproval is a reset of an equal that waits for the word of a second administrator (PROTOCOL 11). There is one at
// most for each person, kept under their id.
type ResetApproval struct {
	ID          string         `json:"id"` // "<user id>-<random>"
	User        account.UserID `json:"user"`
	Login       string         `json:"login"`
	Resets      uint64         `json:"resets"`                // of the person when it was asked: a reset since ends it
	By          string         `json:"by"`                    // id of the operator who asked
	ByName      string         `json:"byName,omitempty"`      // for people to read
	Owner       string         `json:"owner"`                 // whose word the first one is
	Token       string         `json:"token"`                 // what the asking token is kept under
	Reason      string         `json:"reason,omitempty"`      // as in ResetRequest
	HelpRequest string         `json:"helpRequest,omitempty"` // as in ResetRequest
	At          time.Time      `json:"at"`
	Expires     time.Time      `json:"expires"`
}

// requestApproval stores that a reset waits, unless one for this person does: whoever asks again gets that one, and nobody
// is told again. The person, and all who could agree, are mailed.
func (d *Service) requestApproval(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, r ResetRequest) (ResetApproval, error) {
	if r.SendEmail != nil && !*r.SendEmail { // whose answer would it be in?
		return ResetApproval{}, errcode.New(errcode.Forbidden)
	}
	hash, err := d.Admin.TokenHash(ctx, strings.TrimPrefix(op.ID, "token:"))
	if errcode.Of(err) == errcode.NotFound {
		err = errcode.New(errcode.Forbidden)
	}
	if err != nil {
		return ResetApproval{}, err
	}
	var u account.User
	if err := d.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, op, admin.PermApprove, id)
		return err
	}); err != nil {
		return ResetApproval{}, err
	}
	peers, err := d.Admin.PeerAdministrators(ctx, op, &u, max(u.Rank(), op.Rank()))
	if err != nil {
		return ResetApproval{}, err
	}
	a := d.accounts.NewOperation(req)
	out, err := account.Update(ctx, d.accounts, a, func(tx *account.Tx) (awaited, error) { return d.await(tx, op, id, r, hash) })
	if err != nil || !out.fresh {
		return out.approval, err
	}
	link := d.signIn.URL("/api/v1/reset-approvals/" + out.approval.ID)
	return out.approval, d.Admin.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		return notice.ResetRequested{Context: notice.Context{Name: name, At: a.Now}, Person: u.DisplayName(), By: op.DisplayName(d.accounts.Policy.Issuer),
			Reason: r.Reason, Link: link, Until: out.approval.Expires}
	}, peers)
}

// awaited is what an Update of requestApproval came to.
type awaited struct {
	approval ResetApproval
	fresh    bool // it did not wait before
}

// await judges and stores that a reset waits, and tells the person.
func (d *Service) await(tx *account.Tx, op admin.Principal, id string, r ResetRequest, token string) (awaited, error) {
	u, err := admin.FindUser(tx.Reader, op, admin.PermApprove, id)
	if err != nil {
		return awaited{}, err
	}
	if err := resettable(&u); err != nil {
		return awaited{}, err
	}
	if r.HelpRequest != "" {
		if err := d.checked(tx, op, r, &u); err != nil {
			return awaited{}, err
		}
	}
	now := tx.Op.Now
	if waiting, err := d.waiting(tx.Raw, &u, now); errcode.Of(err) != errcode.NotFound {
		tx.SetResult(ResetResult{Approval: &waiting})
		return awaited{approval: waiting}, err
	}
	p := ResetApproval{ID: string(u.ID) + "-" + tx.Op.ID("approval"), User: u.ID, Login: u.Login, Resets: u.Resets, By: op.ID, ByName: op.Name,
		Owner: op.Owner, Token: token, Reason: r.Reason, HelpRequest: r.HelpRequest, At: now, Expires: now.Add(approvalLife)}
	if err := d.approvals.Put(tx.Raw, string(u.ID), p); err != nil {
		return awaited{}, fmt.Errorf("storing that a reset waits: %w", err)
	}
	if err := tx.Audit(approvalEvent(op, audit.ResetAsked, &p)); err != nil {
		return awaited{}, err
	}
	tx.AddAdminActivity(&u, audit.ResetAsked, "")
	m := notice.ResetRequested{Context: notice.Context{Name: u.DisplayName(), At: now}, By: op.DisplayName(d.accounts.Policy.Issuer), Until: p.Expires}
	if err := tx.Notify(&u, m, time.Time{}); err != nil {
		return awaited{}, err
	}
	tx.SetResult(ResetResult{Approval: &p})
	return awaited{p, true}, tx.Save(&u)
}

// checked judges the case that a reset will answer once it has its second word, and writes down how the first
// operator made sure who is asking (PROTOCOL 24).
func (d *Service) checked(tx *account.Tx, op admin.Principal, r ResetRequest, u *account.User) error {
	c, err := d.requestAbout(tx, r.HelpRequest, u)
	if err != nil {
		return err
	}
	fresh := r.Check != nil && !c.State.closed() && c.identify(tx, op, *r.Check)
	if err := c.answeredBy(u, false); err != nil || !fresh {
		return err
	}
	return d.save(tx, c)
}

// approvalEvent is an act of the operator on a reset that waits.
func approvalEvent(op admin.Principal, action string, p *ResetApproval) audit.Event {
	e := audit.Event{Actor: op.Actor(), Subject: string(p.User), SubjectName: p.Login, Action: action, Outcome: audit.Success,
		Detail: map[string]string{"owner": op.Owner, "approvalId": p.ID}}
	for key, text := range map[string]string{"why": p.Reason, "helpRequestId": p.HelpRequest} {
		if text != "" {
			e.Detail[key] = text
		}
	}
	return e
}

// waiting is the reset that waits for a person; NotFound when there is none, or none that still counts.
func (d *Service) waiting(raw store.Reader, u *account.User, now time.Time) (ResetApproval, error) {
	p, err := d.approvals.Get(raw, string(u.ID))
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (!now.Before(p.Expires) || p.Resets != u.Resets):
		return ResetApproval{}, errcode.New(errcode.NotFound)
	case err != nil:
		return ResetApproval{}, fmt.Errorf("loading a reset that waits: %w", err)
	}
	return p, nil
}

// approval loads the one of this id with the person; NotFound also for a person outside the operator's scope.
func (d *Service) approval(r account.Reader, raw store.Reader, op admin.Principal, id string, now time.Time) (ResetApproval, account.User, error) {
	user, _, ok := strings.Cut(id, "-")
	if !ok || len(user) != userID {
		return ResetApproval{}, account.User{}, errcode.New(errcode.NotFound)
	}
	u, err := r.User(account.UserID(user))
	if err != nil {
		return ResetApproval{}, u, err
	}
	if !op.InScope(&u) {
		return ResetApproval{}, u, errcode.New(errcode.NotFound)
	}
	p, err := d.waiting(raw, &u, now)
	if err == nil && p.ID != id {
		err = errcode.New(errcode.NotFound)
	}
	return p, u, err
}

// Approvals lists the resets that wait, in the order of the people's ids, of people whom the operator may know of.
// next is the cursor for more, "" at the end.
func (d *Service) Approvals(ctx context.Context, op admin.Principal, after string, limit int) (all []ResetApproval, next string, err error) {
	if err := op.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	now := d.accounts.Now()
	err = d.accounts.Store.View(ctx, func(s store.Snapshot) error {
		all, next = nil, ""
		r := d.accounts.Reader(s)
		user, _, _ := strings.Cut(after, "-")
		return d.approvals.Scan(s, "", user, 0, func(_ string, p ResetApproval) error {
			switch _, _, err := d.approval(r, s, op, p.ID, now); {
			case errcode.Of(err) == errcode.NotFound:
				return nil
			case err != nil:
				return err
			case len(all) == limit:
				next = all[limit-1].ID
				return store.ErrStop
			}
			all = append(all, p)
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing resets that wait: %w", err)
	}
	return all, next, nil
}

// Approval reads a reset that waits.
func (d *Service) Approval(ctx context.Context, op admin.Principal, id string) (p ResetApproval, err error) {
	if err := op.Require(admin.PermRead); err != nil {
		return ResetApproval{}, err
	}
	now := d.accounts.Now()
	err = d.accounts.Store.View(ctx, func(s store.Snapshot) error {
		p, _, err = d.approval(d.accounts.Reader(s), s, op, id, now)
		return err
	})
	return p, err
}

// Approve is the second word: it does the reset as Reset does and answers its receipt. It is the word of another owner
// than the one who asked and than the person, of a role no lower than theirs; and whoever asked must still be one who
// may (Forbidden). NotFound: nothing waits by this id any more.
func (d *Service) Approve(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) (ResetResult, error) {
	now := d.accounts.Now()
	var u account.User
	var p ResetApproval
	if err := d.accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		p, u, err = d.second(d.accounts.Reader(s), s, op, id, now)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	job := resetJob{desk: d, op: op, id: string(u.ID), request: ResetRequest{Reason: p.Reason, HelpRequest: p.HelpRequest}, approval: &p}
	return d.resetting(ctx, req, job, &u)
}

// second judges the second word and returns what it is about.
func (d *Service) second(r account.Reader, raw store.Reader, op admin.Principal, id string, now time.Time) (ResetApproval, account.User, error) {
	if err := op.Require(admin.PermApprove); err != nil {
		return ResetApproval{}, account.User{}, err
	}
	p, u, err := d.approval(r, raw, op, id, now)
	if err != nil {
		return p, u, err
	}
	if err := admin.Authorize(op, admin.PermApprove, &u); err != nil {
		return p, u, err
	}
	if op.Owner == p.Owner { // whatever the token
		return p, u, errcode.New(errcode.Forbidden)
	}
	first, err := d.Admin.TokenPrincipal(raw, p.Token, now)
	if errcode.Of(err) == errcode.NoSession {
		err = errcode.New(errcode.Forbidden)
	}
	if err == nil {
		err = admin.Authorize(first, admin.PermApprove, &u)
	}
	return p, u, err
}

// RejectApproval ends a reset that waits: by whoever asked, by whoever could agree, and by the person themselves.
func (d *Service) RejectApproval(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	if err := op.Require(admin.PermRead); err != nil {
		return err
	}
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		p, u, err := d.approval(tx.Reader, tx.Raw, op, id, tx.Op.Now)
		if err != nil {
			return struct{}{}, err
		}
		if op.Owner != p.Owner && op.Owner != string(u.ID) {
			if err := admin.Authorize(op, admin.PermApprove, &u); err != nil {
				return struct{}{}, err
			}
		}
		if err := d.approvals.Delete(tx.Raw, string(u.ID)); err != nil {
			return struct{}{}, fmt.Errorf("ending a reset that waits: %w", err)
		}
		tx.AddAdminActivity(&u, audit.ResetRefused, "")
		if err := tx.Audit(approvalEvent(op, audit.ResetRefused, &p)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Sweep removes resets that wait no longer. Call it once in a while.
func (d *Service) Sweep(ctx context.Context) error {
	now := d.accounts.Now()
	var dead []string
	if err := d.accounts.Store.View(ctx, func(s store.Snapshot) error {
		dead = nil
		return d.approvals.Scan(s, "", "", 0, func(user string, p ResetApproval) error {
			if !now.Before(p.Expires) {
				dead = append(dead, user)
			}
			if len(dead) == admin.MaxGroups {
				return store.ErrStop // the rest next time
			}
			return nil
		})
	}); err != nil {
		return fmt.Errorf("looking for resets that wait no longer: %w", err)
	}
	for _, user := range dead {
		if err := d.accounts.Store.Update(ctx, func(tx store.Tx) error {
			p, err := d.approvals.Get(tx, user)
			if errors.Is(err, store.ErrNotFound) || err == nil && now.Before(p.Expires) {
				return nil
			}
			if err != nil {
				return err
			}
			return d.approvals.Delete(tx, user)
		}); err != nil {
			return fmt.Errorf("removing a reset that waits no longer: %w", err)
		}
	}
	return nil
}
