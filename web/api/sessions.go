package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/web/reply"
)

// sessionJSON is an active session, with the names of Okta's session object.
type sessionJSON struct {
	ID         string  `json:"id"` // public; not a credential
	UserID     string  `json:"userId"`
	Login      string  `json:"login"`
	Status     string  `json:"status"`
	CreatedAt  *string `json:"createdAt"`
	ExpiresAt  *string `json:"expiresAt"`
	LastSeenAt *string `json:"lastSeenAt"` // specific to Barillet
	Address    string  `json:"address"`    // specific to Barillet: the address of the sign-in
	UserAgent  string  `json:"userAgent"`  // specific to Barillet
}

func (a *API) session(u *account.User, s session.Summary) sessionJSON {
	return sessionJSON{ID: s.ID, UserID: string(u.ID), Login: u.AsGiven().Login, Status: "ACTIVE", CreatedAt: reply.Timestamp(s.Since),
		ExpiresAt: reply.Timestamp(s.ExpiresAt), LastSeenAt: reply.Timestamp(s.LastSeen), Address: s.Address, UserAgent: s.Agent}
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
		out[i] = a.session(&u, s)
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) endSessions(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	// The tokens of applications depend on the epoch and end in any case.
	if _, err := q.boolean("oauthTokens", false); err != nil {
		return err
	}
	forget, err := q.boolean("forgetDevices", false)
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
