package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

const (
	approvalTTL  = 24 * time.Hour // how long an approval can be given
	userIDLength = 27             // characters of a user id
)

// ResetApproval is the reset of an equal that needs the consent of a second administrator (protocol rule 11). A user
// has at most one; their id is its key.
type ResetApproval struct {
	ID          string         `json:"id"` // "<user id>-<random>"
	User        account.UserID `json:"user"`
	Login       string         `json:"login"`
	Resets      uint64         `json:"resets"`                // User.Resets at the request; a later reset ends the approval
	By          string         `json:"by"`                    // ID of the requesting principal
	ByName      string         `json:"byName,omitempty"`      // display name
	Owner       string         `json:"owner"`                 // owner of the requesting principal
	Token       string         `json:"token"`                 // hash of the requesting token; "": a session
	Epoch       uint64         `json:"epoch,omitempty"`       // of the owner, if they requested it in a session
	Reason      string         `json:"reason,omitempty"`      // as in ResetRequest
	HelpRequest string         `json:"helpRequest,omitempty"` // as in ResetRequest
	At          time.Time      `json:"at"`
	Expires     time.Time      `json:"expires" since:"At"`
}

// requestApproval requests the approval of a reset. It notifies the user and the administrators who can approve. If the
// user has a pending approval, it returns that one and sends nothing.
func (s *Service) requestApproval(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, r ResetRequest) (ResetApproval, error) {
	if r.SendEmail != nil && !*r.SendEmail { // only an email can deliver the ticket after the approval
		return ResetApproval{}, errcode.ForbiddenFor(errcode.ReasonApprovalByEmail)
	}
	var hash string
	if !p.FromSession() {
		var err error
		if hash, err = s.Admin.TokenHash(ctx, strings.TrimPrefix(p.ID, "token:")); errcode.Of(err) == errcode.NotFound {
			err = errcode.ForbiddenFor(errcode.ReasonApprovalByToken)
		}
		if err != nil {
			return ResetApproval{}, err
		}
	}
	var u account.User
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, p, admin.PermApprove, id)
		return err
	}); err != nil {
		return ResetApproval{}, err
	}
	peers, err := s.Admin.PeerAdministrators(ctx, p, &u, max(u.Rank(), p.Rank()))
	if err != nil {
		return ResetApproval{}, err
	}
	op := s.accounts.NewOperation(req)
	out, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (storedApproval, error) { return s.storeApproval(tx, p, id, r, hash) })
	if err != nil || !out.fresh {
		return out.approval, err
	}
	return out.approval, s.Admin.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		return notice.ResetRequested{Context: notice.Context{Name: name, At: op.Now}, User: u.DisplayName(), By: p.DisplayName(s.accounts.Policy.Issuer),
			Reason: r.Reason, ID: out.approval.ID, Until: out.approval.Expires}
	}, peers)
}

// storedApproval is the result of storeApproval.
type storedApproval struct {
	approval ResetApproval
	fresh    bool // the approval is new
}

// storeApproval stores an approval and notifies the user, unless one is pending.
func (s *Service) storeApproval(tx *account.Tx, p admin.Principal, id string, r ResetRequest, token string) (storedApproval, error) {
	u, err := admin.FindUser(tx.Reader, p, admin.PermApprove, id)
	if err != nil {
		return storedApproval{}, err
	}
	if err := CheckHadDevice(&u); err != nil {
		return storedApproval{}, err
	}
	if err := authn.CheckMailTicket(tx.Reader, &u, tx.Op.Now, p.Owner); err != nil {
		return storedApproval{}, err
	}
	if r.Check, err = r.Check.resolve(&u, tx.Op.Now); err != nil {
		return storedApproval{}, err
	}
	if r.HelpRequest != "" {
		if r.HelpRequest, err = s.checkRequest(tx, p, r, &u); err != nil {
			return storedApproval{}, err
		}
	}
	now := tx.Op.Now
	if waiting, err := s.pendingApproval(tx.Raw, &u, now); errcode.Of(err) != errcode.NotFound {
		tx.SetResult(ResetResult{Approval: &waiting})
		return storedApproval{approval: waiting}, err
	}
	approval := ResetApproval{ID: string(u.ID) + "-" + tx.Op.ID("approval"), User: u.ID, Login: u.Login, Resets: u.Resets, By: p.ID, ByName: p.PersonalName(),
		Owner: p.Owner, Token: token, Epoch: p.Epoch, Reason: r.Reason, HelpRequest: r.HelpRequest, At: now, Expires: now.Add(approvalTTL)}
	if err := s.approvals.Put(tx.Raw, string(u.ID), approval); err != nil {
		return storedApproval{}, fmt.Errorf("storing reset approval: %w", err)
	}
	if err := tx.Audit(approvalEvent(p, audit.ResetRequested, &approval)); err != nil {
		return storedApproval{}, err
	}
	tx.AddAdminActivity(&u, audit.ResetRequested, "")
	m := notice.ResetRequested{Context: tx.OfferFreeze(&u, notice.Context{Name: u.DisplayName(), At: now}), By: p.DisplayName(s.accounts.Policy.Issuer), Until: approval.Expires}
	if err := tx.Notify(&u, m, time.Time{}); err != nil {
		return storedApproval{}, err
	}
	tx.SetResult(ResetResult{Approval: &approval})
	return storedApproval{approval, true}, tx.Save(&u)
}

// checkRequest returns the id of the help request if a reset may answer it after its approval. It stores the identity
// check of the requesting administrator (protocol rule 24).
func (s *Service) checkRequest(tx *account.Tx, p admin.Principal, r ResetRequest, u *account.User) (string, error) {
	c, err := s.requestAbout(tx, r.HelpRequest, u)
	if err != nil {
		return "", err
	}
	fresh := r.Check != nil && !c.State.Closed() && c.recordIdentity(tx, p, *r.Check)
	if err := c.checkResettable(u, false); err != nil || !fresh {
		return c.ID, err
	}
	return c.ID, s.save(tx, c)
}

// approvalEvent returns the audit event of an operation of p on an approval.
func approvalEvent(p admin.Principal, action string, approval *ResetApproval) audit.Event {
	e := audit.Event{Actor: p.Actor(), Subject: string(approval.User), SubjectName: approval.Login, Action: action, Outcome: audit.Success,
		Detail: map[string]string{"owner": p.Owner, "approvalId": approval.ID}}
	for key, text := range map[string]string{"reason": approval.Reason, "helpRequestId": approval.HelpRequest} {
		if text != "" {
			e.Detail[key] = text
		}
	}
	return e
}

// pendingApproval returns the approval of u. It returns NotFound if there is none, it has expired, or u was reset
// since.
func (s *Service) pendingApproval(raw store.Reader, u *account.User, now time.Time) (ResetApproval, error) {
	approval, err := s.approvals.Get(raw, string(u.ID))
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && (!now.Before(approval.Expires) || approval.Resets != u.Resets):
		return ResetApproval{}, errcode.New(errcode.NotFound)
	case err != nil:
		return ResetApproval{}, fmt.Errorf("loading reset approval: %w", err)
	}
	return approval, nil
}

// findApproval returns the approval with this id and its user. It returns NotFound if the user is outside the scope of
// p.
func (s *Service) findApproval(r account.Reader, raw store.Reader, p admin.Principal, id string, now time.Time) (ResetApproval, account.User, error) {
	user, _, ok := strings.Cut(id, "-")
	if !ok || len(user) != userIDLength {
		return ResetApproval{}, account.User{}, errcode.New(errcode.NotFound)
	}
	u, err := r.User(account.UserID(user))
	if err != nil {
		return ResetApproval{}, u, err
	}
	if !p.InScope(&u) {
		return ResetApproval{}, u, errcode.New(errcode.NotFound)
	}
	approval, err := s.pendingApproval(raw, &u, now)
	if err == nil && approval.ID != id {
		err = errcode.New(errcode.NotFound)
	}
	return approval, u, err
}

// Approvals returns a page of pending approvals of users in the scope of p, in the order of user ids. next is the
// cursor of the next page, or empty at the end.
func (s *Service) Approvals(ctx context.Context, p admin.Principal, after string, limit int) (all []ResetApproval, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	if after, _, err = s.Admin.OpenCursor(p.ID, after); err != nil {
		return nil, "", err
	}
	now := s.accounts.Now()
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		all, next = nil, ""
		r, read, last := s.accounts.Reader(snap), 0, ""
		user, _, _ := strings.Cut(after, "-")
		return s.approvals.Scan(snap, "", user, 0, func(_ string, approval ResetApproval) error {
			if read >= s.pageReads {
				next = s.Admin.SealCursor(p.ID, last, false) // the id of an approval that p may not read
				return store.ErrStop
			}
			read, last = read+3, approval.ID // with the user
			switch _, _, err := s.findApproval(r, snap, p, approval.ID, now); {
			case account.Missing(err):
				return nil
			case err != nil:
				return err
			case len(all) == limit:
				next = all[limit-1].ID
				return store.ErrStop
			}
			all = append(all, approval)
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing reset approvals: %w", err)
	}
	return all, next, nil
}

// Approval returns one pending approval.
func (s *Service) Approval(ctx context.Context, p admin.Principal, id string) (approval ResetApproval, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return ResetApproval{}, err
	}
	now := s.accounts.Now()
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		approval, _, err = s.findApproval(s.accounts.Reader(snap), snap, p, id, now)
		return err
	})
	return approval, err
}

// Approve executes a reset that needs approval, as Reset does. The owner of p must be neither the requesting owner nor
// the user, and must have at least the role of the user. The requesting principal must still be permitted to reset
// (Forbidden). Approve returns NotFound if the approval is no longer pending.
func (s *Service) Approve(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) (ResetResult, error) {
	now := s.accounts.Now()
	var u account.User
	var approval ResetApproval
	if err := s.accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		approval, u, err = s.checkApprover(s.accounts.Reader(snap), snap, p, id, now)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	job := resetJob{principal: p, id: string(u.ID), request: ResetRequest{Reason: approval.Reason, HelpRequest: approval.HelpRequest}, approval: &approval}
	return s.runReset(ctx, req, job, &u)
}

// checkApprover returns the approval and its user if p may approve it.
func (s *Service) checkApprover(r account.Reader, raw store.Reader, p admin.Principal, id string, now time.Time) (ResetApproval, account.User, error) {
	if err := p.Require(admin.PermApprove); err != nil {
		return ResetApproval{}, account.User{}, err
	}
	approval, u, err := s.findApproval(r, raw, p, id, now)
	if err != nil {
		return approval, u, err
	}
	if err := admin.Authorize(p, admin.PermApprove, &u); err != nil {
		return approval, u, err
	}
	if p.Owner == approval.Owner { // even with another token
		return approval, u, errcode.ForbiddenFor(errcode.ReasonSameOwner)
	}
	first, err := s.requester(r, raw, &approval, now)
	if err == nil {
		err = admin.Authorize(first, admin.PermApprove, &u)
	}
	if errcode.Of(err) != "" { // a refusal of the other administrator
		err = errcode.ForbiddenFor(errcode.ReasonRequesterRefused)
	}
	return approval, u, err
}

// requester returns the principal that requested an approval, with its present role and scope. It returns a refusal if its token
// or the sessions of that time have ended.
func (s *Service) requester(r account.Reader, raw store.Reader, a *ResetApproval, now time.Time) (admin.Principal, error) {
	if a.Token == "" {
		return admin.UserPrincipal(r, account.UserID(a.Owner), a.Epoch, now)
	}
	return s.Admin.TokenPrincipal(raw, a.Token, now)
}

// RejectApproval deletes an approval. The requesting owner, the user and every administrator who could approve may
// reject it.
func (s *Service) RejectApproval(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	if err := p.Require(admin.PermRead); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		approval, u, err := s.findApproval(tx.Reader, tx.Raw, p, id, tx.Op.Now)
		if err != nil {
			return struct{}{}, err
		}
		if p.Owner != approval.Owner && p.Owner != string(u.ID) {
			if err := admin.Authorize(p, admin.PermApprove, &u); err != nil {
				return struct{}{}, err
			}
		}
		if err := s.approvals.Delete(tx.Raw, string(u.ID)); err != nil {
			return struct{}{}, fmt.Errorf("deleting reset approval: %w", err)
		}
		tx.AddAdminActivity(&u, audit.ResetRefused, "")
		if err := tx.Audit(approvalEvent(p, audit.ResetRefused, &approval)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Sweep returns the sweep of expired approvals.
func (s *Service) Sweep() store.TableSweep {
	return store.NewSweep(s.approvals, func(a ResetApproval) bool {
		return !s.accounts.Now().Before(a.Expires)
	})
}
