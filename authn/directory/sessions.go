package directory

import (
	"context"
	"strconv"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/internal/audit"
)

// Sessions returns the active sessions of a user, at most 32.
func (s *Service) Sessions(ctx context.Context, p admin.Principal, id string) (u account.User, open []session.Summary, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = admin.FindUser(r, p, admin.PermRead, id); err == nil {
			open, err = s.sessions.List(r, &u, "", now)
		}
		return err
	})
	if err != nil {
		return account.User{}, nil, err
	}
	return admin.WithoutSecrets(u), open, nil
}

// RevokeSessions ends all sessions of a user. With forget it also removes their known browsers.
func (s *Service) RevokeSessions(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, forget bool) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermAssist, id)
		if err != nil {
			return struct{}{}, err
		}
		browsers := len(u.Browsers)
		ended, err := tx.RevokeAllSessions(&u, forget)
		if err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.SessionsCleared, "")
		e := p.Event(audit.SessionsCleared, &u)
		e.Detail = map[string]string{"sessions": strconv.Itoa(ended), "browsers": strconv.Itoa(browsers - len(u.Browsers))}
		if ended == 0 && browsers == len(u.Browsers) {
			e.Reason = audit.NothingLeft
		}
		if err := tx.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
