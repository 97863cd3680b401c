package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/oidc/client"
	"barillet/store"
)

// Application is a client as a user of it sees it.
type Application struct {
	ID    client.ID
	Name  string
	Since time.Time // of the consent, or of the oldest grant if no consent was required
}

// Applications lists, by name, the clients that the user of a session consented to or that hold an active grant of the user.
// It returns NoSession if the session is not active.
func (s *Service) Applications(ctx context.Context, session string) (out []Application, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		out = nil
		b, err := s.Session(snap, session)
		if err != nil || b == nil {
			return cmp.Or[error](err, errcode.New(errcode.NoSession))
		}
		out, err = s.applicationsOf(snap, b.User)
		return err
	})
	return out, err
}

// ApplicationsOf is Applications for a user, without a session.
func (s *Service) ApplicationsOf(ctx context.Context, user account.UserID) (out []Application, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		out, err = s.applicationsOf(snap, user)
		return err
	})
	return out, err
}

func (s *Service) applicationsOf(snap store.Snapshot, user account.UserID) (out []Application, err error) {
	since, err := s.firstAccess(snap, user)
	if err != nil {
		return nil, err
	}
	for id, at := range since {
		c, err := s.Clients.Get(snap, id)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, Application{id, c.Name, at})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID)) < 0
	})
	return out, nil
}

// firstAccess returns the time of the first consent or active grant of a user, for each client.
func (s *Service) firstAccess(snap store.Snapshot, user account.UserID) (map[client.ID]time.Time, error) {
	since := map[client.ID]time.Time{}
	earlier := func(id client.ID, at time.Time) {
		if was, ok := since[id]; !ok || at.Before(was) {
			since[id] = at
		}
	}
	err := s.consents.Scan(snap, string(user)+"/", "", 0, func(key string, c Consent) error {
		earlier(client.ID(strings.TrimPrefix(key, string(user)+"/")), c.Created)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing consents: %w", err)
	}
	now := s.now()
	_, err = s.grantKeys(snap, user, func(g *Grant) (bool, error) {
		status, err := s.status(snap, now, g)
		if err == nil && status == active {
			earlier(g.Client, g.Created)
		}
		return false, err
	})
	return since, err
}

// Withdraw deletes the consent of the user of a session to a client, and ends every grant of it. The client gets a logout
// token. Nothing to withdraw is no error; a session that is not active is NoSession.
func (s *Service) Withdraw(ctx context.Context, req account.RequestInfo, session string, id client.ID) error {
	op := s.Accounts.NewOperation(req)
	var noSession error = errcode.New(errcode.NoSession)
	var keys []string
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		b, err := s.Session(snap, session)
		if err != nil || b == nil {
			return cmp.Or(err, noSession)
		}
		keys, err = s.grantKeys(snap, b.User, func(g *Grant) (bool, error) { return g.Client == id, nil })
		return err
	})
	if err != nil {
		return err
	}
	first := keys[:min(len(keys), endBatch)] // in one Update with the consent
	_, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		none := struct{}{}
		b, err := s.Session(tx.Raw, session)
		if err != nil || b == nil {
			return none, cmp.Or(err, noSession)
		}
		c, err := s.Clients.Get(tx.Raw, id)
		if err != nil || c == nil {
			return none, err
		}
		_, consented, err := s.Consent(tx.Raw, b.User, id)
		if err != nil || !consented && len(first) == 0 {
			return none, err
		}
		if err := s.consents.Delete(tx.Raw, consentID(b.User, id)); err != nil {
			return none, err
		}
		if err := s.endEach(tx.Raw, op.Now, first); err != nil {
			return none, err
		}
		return none, tx.Audit(c.AuditEvent(b.User, b.Login, audit.AppGrantRevoked, audit.Success, "by the user"))
	})
	if _, ok := errors.AsType[*errcode.Error](err); ok {
		return err
	}
	if err != nil {
		return fmt.Errorf("withdrawing a consent: %w", err)
	}
	return s.endGrants(ctx, keys[len(first):])
}
