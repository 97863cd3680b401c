package directory

import (
	"context"
	"strconv"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/internal/audit"
)

// Sessions lists where a person is signed in; at most 32.
func (d *Service) Sessions(ctx context.Context, op admin.Principal, id string) (u account.User, open []session.Summary, err error) {
	now := d.accounts.Now()
	err = d.accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = admin.FindUser(r, op, admin.PermRead, id); err == nil {
			open, err = d.sessions.List(r, &u, "", now)
		}
		return err
	})
	if err != nil {
		return account.User{}, nil, err
	}
	return admin.WithoutSecrets(u), open, nil
}

// RevokeSessions signs a person out everywhere; forget also drops their known browsers.
func (d *Service) EndSessions(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, forget bool) error {
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermAssist, id)
		if err != nil {
			return struct{}{}, err
		}
		browsers := len(u.Browsers)
		ended, err := tx.RevokeAllSessions(&u, forget)
		if err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.SessionsCleared, "")
		e := op.Event(audit.SessionsCleared, &u)
		e.Detail = map[string]string{"sessions": strconv.Itoa(ended), "browsers": strconv.Itoa(browsers - len(u.Browsers))}
		if err := tx.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
