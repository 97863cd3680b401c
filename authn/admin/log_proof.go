package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/errcode"
	"barillet/store"
)

// LogHead is the newest signed head of the audit log, and the public key that verifies it.
type LogHead struct {
	Head string `json:"head"`
	Key  string `json:"key"`
}

// LogHead returns the newest head that was signed; it signs none. It is for principals that may read the whole log.
func (s *Service) LogHead(ctx context.Context, p Principal) (LogHead, error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return LogHead{}, err
	}
	head, err := s.Tree.NewestHead(ctx)
	return LogHead{head, s.Tree.Key()}, provable(err)
}

// LogEntries returns a page of the entries of the log from a number, with what their leaves depend on: see tree.Entries. The first page
// of an export appends an event.
func (s *Service) LogEntries(ctx context.Context, p Principal, req account.RequestInfo, first int64, after string) ([]tree.Entry, string, error) {
	if err := p.RequireUnscoped(PermReadConfiguration); err != nil {
		return nil, "", err
	}
	if after == "" {
		if err := s.BeginExport(ctx, p, req, map[string]string{"first": strconv.FormatInt(first, 10)}); err != nil {
			return nil, "", err
		}
	}
	return s.Tree.Entries(ctx, first, after)
}

// ProveEvent returns the proof of an event. It is for principals that may read the whole log: a proof has the number of all events,
// and the difference of two reveals what an operation caused outside a group scope (protocol rule 21).
func (s *Service) ProveEvent(ctx context.Context, p Principal, id string) (tree.Proof, error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return tree.Proof{}, err
	}
	proof, err := s.Tree.Prove(ctx, id)
	return proof, provable(err)
}

// headRetryAfter is the time in which a running service signs a head for a reader.
const headRetryAfter = 2 * time.Second

// provable returns NotFound for an event that does not exist, and ReasonUnsigned for one that no head covers yet.
func provable(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, audit.ErrID):
		return errcode.New(errcode.NotFound)
	case errors.Is(err, tree.ErrUnsigned):
		return &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonUnsigned, RetryAfter: headRetryAfter}
	}
	return err
}

// VerifyLog verifies the whole log, also against heads that were kept elsewhere. It takes some seconds and both processors, so only
// one call runs at a time.
func (s *Service) VerifyLog(ctx context.Context, p Principal, heads ...string) (tree.Report, error) {
	if err := p.RequireUnscoped(PermReadConfiguration); err != nil {
		return tree.Report{}, err
	}
	if !s.verifying.TryLock() {
		return tree.Report{}, &errcode.Error{Code: errcode.Overloaded, RetryAfter: 10 * time.Second}
	}
	defer s.verifying.Unlock()
	report, err := s.Tree.Verify(ctx, heads...)
	if errors.Is(err, tree.ErrHead) {
		return tree.Report{}, errcode.InvalidField("head", "invalid")
	}
	return report, err
}

// EraseEvents erases the personal data of a deleted user from the log, before the retention policy does. complete is that of
// audit.Log.EraseNow. Only the operator may do this: it removes what shows who deleted a user, and why.
func (s *Service) EraseEvents(ctx context.Context, p Principal, user string) (complete bool, err error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return false, err
	}
	if !p.Operator {
		return false, errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	}
	if !account.IsUserID(user) {
		return false, errcode.New(errcode.NotFound)
	}
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		_, err := r.User(account.UserID(user))
		deleted, err := account.IsDeleted(err)
		if err == nil && !deleted {
			return errcode.WrongStateFor(errcode.ReasonNotDeleted)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	complete, err = s.Accounts.Log.EraseNow(ctx, s.Accounts.Store, user, p.Actor(), s.Accounts.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, errcode.New(errcode.NotFound)
	}
	return complete, err
}
