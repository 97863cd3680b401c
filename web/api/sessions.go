package api

import (
	"net/http"

	"barillet/authn/admin"
	"barillet/web/reply"
)

// sessionJSON is one place where a person is signed in, with the names of Okta's session object.
type sessionJSON struct {
	ID         string  `json:"id"` // a public name: it opens nothing
	UserID     string  `json:"userId"`
	Login      string  `json:"login"`
	Status     string  `json:"status"`
	CreatedAt  *string `json:"createdAt"`
	ExpiresAt  *string `json:"expiresAt"`
	LastSeenAt *string `json:"lastSeenAt"` // ours
	Address    string  `json:"address"`    // ours: where the sign-in came from
	UserAgent  string  `json:"userAgent"`  // ours
}

func (a *API) listSessions(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	u, open, err := a.directory.Sessions(r.Context(), op, id)
	if err != nil {
		return err
	}
	out := make([]sessionJSON, len(open))
	for i, s := range open {
		out[i] = sessionJSON{ID: s.ID, UserID: string(u.ID), Login: u.Login, Status: "ACTIVE", CreatedAt: moment(s.Since),
			ExpiresAt: moment(s.ExpiresAt), LastSeenAt: moment(s.LastSeen), Address: s.Address, UserAgent: s.Agent}
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) endSessions(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	// What applications hold stands on the Epoch and ends in any case.
	if _, err := q.truth("oauthTokens", false); err != nil {
		return err
	}
	forget, err := q.truth("forgetDevices", false)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := a.directory.RevokeSessions(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, forget); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
