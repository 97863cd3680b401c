package approval

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// Reset is helpdesk.Service.Reset. If the reset needs an approval, Reset requests it and returns the pending one.
func (s *Service) Reset(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, r helpdesk.ResetRequest) (helpdesk.ResetResult, *Approval, error) {
	done, err := s.helpDesk.Reset(ctx, p, req, id, r)
	if errcode.Of(err) != errcode.ApprovalRequired {
		return done, nil, err
	}
	a, err := s.request(ctx, p, req, id, OperationReset, func(tx *account.Tx, a *Approval) (account.User, error) {
		u, checked, err := s.helpDesk.AskReset(tx, p, id, r)
		a.Reason, a.HelpRequest = checked.Reason, checked.HelpRequest
		return u, err
	})
	return helpdesk.ResetResult{}, a, err
}

// AssignRole is admin.Service.AssignRole. If it needs an approval, AssignRole requests it and returns the pending one.
func (s *Service) AssignRole(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, n admin.NewRoleAssignment) (admin.AssignedRole, *Approval, error) {
	done, err := s.admin.AssignRole(ctx, p, req, id, n)
	if errcode.Of(err) != errcode.ApprovalRequired {
		return done, nil, err
	}
	role := &Role{Role: n.Role, Groups: slices.Compact(slices.Sorted(slices.Values(n.Targets)))}
	a, err := s.requestRole(ctx, p, req, id, func(*account.User) (*Role, error) { return role, nil })
	return admin.AssignedRole{}, a, err
}

// AddTarget is admin.Service.AddTarget. If it needs an approval, AddTarget requests it and returns the pending one.
func (s *Service) AddTarget(ctx context.Context, p admin.Principal, req account.RequestInfo, id, rid string, gid account.GroupID) (*Approval, error) {
	err := s.admin.AddTarget(ctx, p, req, id, rid, gid)
	if errcode.Of(err) != errcode.ApprovalRequired {
		return nil, err
	}
	return s.requestRole(ctx, p, req, id, func(u *account.User) (*Role, error) {
		for _, g := range u.Roles {
			if g.ID == rid {
				return &Role{Assignment: rid, Role: g.Role, Groups: []account.GroupID{gid}}, nil
			}
		}
		return nil, errcode.New(errcode.NotFound)
	})
}

// requestRole requests the approval of the role that content returns.
func (s *Service) requestRole(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, content func(*account.User) (*Role, error)) (*Approval, error) {
	return s.request(ctx, p, req, id, OperationRole, func(tx *account.Tx, a *Approval) (account.User, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermAssignRoles, id)
		if err == nil {
			a.Role, err = content(&u)
		}
		if err == nil {
			err = p.CheckAssignable(a.Role.Role)
		}
		return u, err
	})
}

// UpdateUser is directory.Service.UpdateUser. If it needs an approval, UpdateUser requests it and returns the pending one. The approval
// performs the whole change, which sets no password.
func (s *Service) UpdateUser(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, c directory.ProfileChange) (account.User, *Approval, error) {
	u, err := s.directory.UpdateUser(ctx, p, req, id, c)
	if errcode.Of(err) != errcode.ApprovalRequired {
		return u, nil, err
	}
	if c.Password != "" {
		return account.User{}, nil, errcode.ForbiddenFor(errcode.ReasonApprovalAlone)
	}
	a, err := s.request(ctx, p, req, id, OperationProfile, func(tx *account.Tx, a *Approval) (account.User, error) {
		u, members, err := s.directory.ChangedMembers(tx, p, id, c)
		a.Profile = &members
		return u, err
	})
	return account.User{}, a, err
}

// request requests the approval of an operation. fill completes the approval in the transaction. It notifies the user and the
// administrators who can approve. If the user has a pending approval of the same content, it returns that one and sends nothing.
func (s *Service) request(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, o Operation, fill func(*account.Tx, *Approval) (account.User, error)) (*Approval, error) {
	var hash string
	if !p.FromSession() {
		var err error
		if hash, err = s.admin.TokenHash(ctx, strings.TrimPrefix(p.ID, "token:")); errcode.Of(err) == errcode.NotFound {
			err = errcode.ForbiddenFor(errcode.ReasonApprovalByToken)
		}
		if err != nil {
			return nil, err
		}
	}
	op := s.accounts.NewOperation(req)
	out, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (stored, error) {
		a := Approval{Operation: o, By: p.ID, ByName: p.PersonalName(), Owner: p.Owner, Token: hash, Epoch: p.Epoch, At: op.Now, Expires: op.Now.Add(approvalTTL)}
		u, err := fill(tx, &a)
		if err != nil {
			return stored{}, err
		}
		a.Reason = cmp.Or(a.Reason, req.Reason)
		return s.store(tx, p, &u, a)
	})
	if err != nil || !out.fresh {
		return &out.approval, err
	}
	peers, err := s.approvers(ctx, p, &out.user, &out.approval)
	if err != nil {
		return nil, err
	}
	return &out.approval, s.admin.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		m := s.notice(p, &out.approval, notice.Context{Name: name, At: op.Now})
		m.User, m.Reason, m.ID = out.user.DisplayName(), out.approval.Reason, out.approval.ID
		return m
	}, peers)
}

// stored is the result of store.
type stored struct {
	approval Approval
	user     account.User
	fresh    bool // the approval is new
}

// store stores an approval about u and notifies the user, unless one of the same content is pending. It returns WrongState if one of
// another content is.
func (s *Service) store(tx *account.Tx, p admin.Principal, u *account.User, a Approval) (stored, error) {
	a.User, a.Login, a.Reached, a.Resets = u.ID, u.Login, reached(u), u.Resets
	a.ID = key(u.ID, a.Operation) + "-" + tx.Op.ID("approval")
	if waiting, err := s.pending(tx.Raw, u, a.Operation, tx.Op.Now); errcode.Of(err) != errcode.NotFound {
		var same bool
		if err == nil {
			same, err = sameContent(&waiting, &a)
		}
		if err == nil && !same {
			err = errcode.WrongStateFor(errcode.ReasonApprovalPending)
		}
		tx.SetResult(waiting)
		return stored{approval: waiting}, err
	}
	if err := s.approvals.Put(tx.Raw, key(u.ID, a.Operation), a); err != nil {
		return stored{}, fmt.Errorf("storing approval: %w", err)
	}
	if err := tx.Audit(event(p, a.requested(), &a)); err != nil {
		return stored{}, err
	}
	tx.AddAdminActivity(u, a.requested(), "")
	if err := s.notifyUser(tx, p, u, &a); err != nil {
		return stored{}, err
	}
	tx.SetResult(a)
	return stored{a, *u, true}, tx.Save(u)
}

// notifyUser notifies the user at all present addresses. Only a reset is never refused for the number of emails (protocol rule 18).
func (s *Service) notifyUser(tx *account.Tx, p admin.Principal, u *account.User, a *Approval) error {
	m := s.notice(p, a, tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now}))
	if a.Operation == OperationReset {
		return tx.Notify(u, m, time.Time{})
	}
	return tx.SendByAdmin(u, u.Addresses(), m, time.Time{})
}

// notice returns the notification of a request.
func (s *Service) notice(p admin.Principal, a *Approval, c notice.Context) notice.ApprovalRequested {
	return notice.ApprovalRequested{Context: c, Operation: string(a.Operation), By: p.DisplayName(s.accounts.Policy.Issuer), Until: a.Expires}
}

// sameContent reports whether two approvals perform the same operation.
func sameContent(a, b *Approval) (bool, error) {
	var of [2][]byte
	for i, x := range []*Approval{a, b} {
		var err error
		if of[i], err = json.Marshal([]any{x.Operation, x.Role, x.Profile}); err != nil {
			return false, fmt.Errorf("comparing approvals: %w", err)
		}
	}
	return bytes.Equal(of[0], of[1]), nil
}

// requested returns the audit action of a request for the approval.
func (a *Approval) requested() string {
	return map[Operation]string{OperationReset: audit.ResetRequested, OperationRole: audit.RoleRequested, OperationProfile: audit.ProfileRequested}[a.Operation]
}

// refused returns the audit action of a rejection of the approval.
func (a *Approval) refused() string {
	return map[Operation]string{OperationReset: audit.ResetRefused, OperationRole: audit.RoleRefused, OperationProfile: audit.ProfileRefused}[a.Operation]
}

// event returns the audit event of an operation of p on an approval. It has no address or number.
func event(p admin.Principal, action string, a *Approval) audit.Event {
	e := audit.Event{Actor: p.Actor(), Subject: string(a.User), SubjectName: a.Login, Action: action, Outcome: audit.Success,
		Detail: map[string]string{"owner": p.Owner, "approvalId": a.ID}}
	for key, text := range map[string]string{"reason": a.Reason, "helpRequestId": a.HelpRequest} {
		if text != "" {
			e.Detail[key] = text
		}
	}
	if a.Role != nil {
		e.Detail["role"] = string(a.Role.Role)
		if a.Role.Role != account.RoleSuperAdmin {
			e.Detail["scope"] = admin.ScopeName(a.Role.Groups)
		}
	}
	if a.Profile != nil {
		e.Detail["changed"] = strings.Join(a.Profile.Names(), " ")
	}
	return e
}
