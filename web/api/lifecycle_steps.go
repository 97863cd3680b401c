package api

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/web/reply"
)

// lifecycleFunc changes the status of a user.
type lifecycleFunc func(ctx context.Context, op admin.Principal, from account.RequestInfo, id string) error

// lifecycle serves a change of status. Okta returns an empty object and takes no body. The parameter sendEmail, which
// notifies administrators at Okta, has no effect.
func (a *API) lifecycle(do lifecycleFunc) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		id, _, err := readSendEmail(r)
		if err != nil {
			return err
		}
		return a.once(w, r, op, answering(func(r *http.Request) (struct{}, error) {
			return struct{}{}, do(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
		}, func(done struct{}) (status int, shown, kept any, err error) { return http.StatusOK, done, done, nil }))
	}
}

// deleteUser deactivates a user, or deletes a deactivated one.
func (a *API) deleteUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	if _, err := q.boolean("sendEmail", false); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := a.directory.Delete(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
