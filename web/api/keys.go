package api

import (
	"errors"
	"net/http"
	"time"

	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
	"barillet/web/reply"
)

// keyRoutes returns the routes for the keys of the store.
func (a *API) keyRoutes() []route {
	if a.storeKeys == nil {
		return nil
	}
	return []route{
		{"GET /api/v1/store-keys", a.listStoreKeys},
		{"POST /api/v1/store-keys", a.rotateStoreKey},
		{"DELETE /api/v1/store-keys/{kid}", a.forgetStoreKey},
	}
}

type storeKey struct {
	Kind     string          `json:"kind"`
	ID       string          `json:"id"`
	State    string          `json:"state"`
	Created  *string         `json:"created"`
	Protects string          `json:"protects"`
	Source   string          `json:"source,omitempty"`
	Users    *int            `json:"users,omitempty"`
	Pass     *resealProgress `json:"pass,omitempty"`
}

type resealProgress struct {
	Read   int64   `json:"read"`
	Sealed int64   `json:"sealed"`
	Ended  *string `json:"ended"`
}

// listStoreKeys answers when all users were read, if passwords have two peppers.
func (a *API) listStoreKeys(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // offline mode has no deadline
	keys, err := a.storeKeys.Keys(r.Context(), op)
	if err != nil {
		return err
	}
	out := make([]storeKey, len(keys))
	for i, k := range keys {
		out[i] = storeKey{k.Kind, k.ID, k.State, reply.Timestamp(k.Created), k.Protects, k.Source, k.Users, nil}
		if k.Progress != nil {
			out[i].Pass = &resealProgress{k.Progress.Read, k.Progress.Sealed, reply.Timestamp(k.Progress.Ended)}
		}
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) rotateStoreKey(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var in struct {
		Kind   string `json:"kind"`
		Leaked bool   `json:"leaked"`
	}
	if err := reply.DecodeJSON(r, maxBody, &in); err != nil {
		return err
	}
	if err := a.storeKeys.Rotate(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), in.Kind, in.Leaked); err != nil {
		return err
	}
	return a.listStoreKeys(w, r, op)
}

func (a *API) forgetStoreKey(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := a.storeKeys.Forget(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), r.PathValue("kid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// withdrawSigningKey ends a signing key at once, and informs support and every SUPER_ADMIN.
func (a *API) withdrawSigningKey(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := op.RequireUnscoped(admin.PermConfigure); err != nil {
		return err
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	kid := r.PathValue("kid")
	err := a.oidc.Keys.Withdraw(r.Context(), reply.RequestFrom(r.Context()).Origin(), op.Actor(), kid)
	if errors.Is(err, store.ErrNotFound) {
		return errcode.New(errcode.NotFound)
	}
	if err != nil {
		return err
	}
	at := a.now()
	err = a.directory.Admin.NotifyOperators(r.Context(), func(name string) notice.Notice {
		return notice.KeyWithdrawn{Context: notice.Context{Name: name, At: at}, Key: kid, By: op.Actor().Name}
	})
	if err != nil {
		return err
	}
	return a.listSigningKeys(w, r, op)
}
