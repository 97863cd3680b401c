package api

import (
	"errors"
	"net/http"

	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/web/reply"
)

// clientRoutes returns the routes for OAuth clients (RFC 7591, RFC 7592). They are next to the other endpoints of
// OpenID Connect, and require an API token. A client can also manage itself with its registration access token.
func (a *API) clientRoutes() []route {
	if a.oidc == nil {
		return nil
	}
	return []route{
		{"GET " + oidc.PathClients, a.listClients},
		{"POST " + oidc.PathClients, a.registration(a.createClient)},
		{"GET " + oidc.PathClients + "/{cid}", a.getClient},
		{"PUT " + oidc.PathClients + "/{cid}", a.registration(a.replaceClient)},
		{"DELETE " + oidc.PathClients + "/{cid}", a.deleteClient},
		{"POST " + oidc.PathClients + "/{cid}/secret", a.rotateClientSecret},
		{"GET /api/v1/signing-keys", a.listSigningKeys},
		{"POST /api/v1/signing-keys/rotate", a.rotateSigningKeys},
		{"POST /api/v1/signing-keys/{kid}/withdraw", a.withdrawSigningKey},
	}
}

// registration writes the error for invalid metadata as RFC 7591 §3.2.2 defines it.
func (a *API) registration(serve handler) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		err := serve(w, r, op)
		if e, ok := errors.AsType[*client.MetadataError](err); ok {
			return reply.JSON(w, http.StatusBadRequest, map[string]string{"error": e.Code, "error_description": e.Member + ": " + e.Why})
		}
		return err
	}
}

// clientPrincipal reports whether the secret is the registration access token of the client in the path.
func (a *API) clientPrincipal(r *http.Request, secret secret.Value) (admin.Principal, bool, error) {
	id := r.PathValue("cid")
	if a.oidc == nil || id == "" {
		return admin.Principal{}, false, nil
	}
	ok, err := a.oidc.Clients.CheckRegistrationToken(r.Context(), client.ID(id), secret)
	return admin.Principal{ID: admin.ClientPrefix + id, Name: id}, ok, err
}

// authorizeClient checks that the principal can manage the client in the path. self reports whether it is that client
// with its registration access token: a principal without an owner, which can only manage itself.
func authorizeClient(r *http.Request, op admin.Principal) (id client.ID, self bool, err error) {
	if id = client.ID(r.PathValue("cid")); op.Owner == "" && op.ID == admin.ClientPrefix+string(id) {
		return id, true, nil
	}
	return id, false, op.RequireUnscoped(admin.PermConfigure)
}

func (a *API) registrar(r *http.Request, op admin.Principal) client.Registrar {
	return client.Registrar{Actor: op.Actor(), From: reply.RequestFrom(r.Context()).Origin(), ReservedName: a.directory.Admin.Accounts.Policy.Issuer,
		Operator: op.Operator}
}

func (a *API) listClients(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := op.RequireUnscoped(admin.PermReadConfiguration); err != nil {
		return err
	}
	return list(a, w, r, func(p page) ([]client.Information, string, error) {
		return a.oidc.Clients.List(r.Context(), p.after, p.limit)
	}, func(c client.Information) client.Information { return c })
}

func (a *API) createClient(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := op.RequireUnscoped(admin.PermConfigure); err != nil {
		return err
	}
	var body registrationBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if err := a.setServiceOwner(r, op, &body.Registration); err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (client.Information, error) {
		return a.oidc.Clients.Register(r.Context(), a.registrar(r, op), body.Registration)
	}, func(made client.Information) (int, any, any, error) {
		return http.StatusCreated, made, made, nil // the stored one is the result of the Update, which has no secrets
	}))
}

func (a *API) getClient(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, _, err := authorizeClient(r, op)
	if err != nil {
		return err
	}
	c, err := a.oidc.Clients.Information(r.Context(), id)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, c)
}

// registrationBody is the metadata in a request. It ignores the members that the service sets, and those of the
// standards that it does not need (RFC 7591 §2).
type registrationBody struct {
	ID            client.ID     `json:"client_id"`
	Secret        reply.Ignored `json:"client_secret"`
	SecretExpires reply.Ignored `json:"client_secret_expires_at"`
	Issued        reply.Ignored `json:"client_id_issued_at"`
	Manage        reply.Ignored `json:"registration_access_token"`
	ManageURI     reply.Ignored `json:"registration_client_uri"`
	Contacts      reply.Ignored `json:"contacts"`
	Logo          reply.Ignored `json:"logo_uri"`
	Terms         reply.Ignored `json:"tos_uri"`
	Privacy       reply.Ignored `json:"policy_uri"`
	Software      reply.Ignored `json:"software_id"`
	Version       reply.Ignored `json:"software_version"`
	AuthTime      reply.Ignored `json:"require_auth_time"` // every ID token has auth_time
	Initiate      reply.Ignored `json:"initiate_login_uri"`
	client.Registration
}

func (a *API) replaceClient(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, self, err := authorizeClient(r, op)
	if err != nil {
		return err
	}
	var body registrationBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if body.ID != "" && body.ID != id {
		return errcode.InvalidField("client_id", "other")
	}
	if err := a.setServiceOwner(r, op, &body.Registration); err != nil {
		return err
	}
	c, err := a.oidc.Clients.Replace(r.Context(), a.registrar(r, op), id, body.Registration, self)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, c)
}

// rotateClientSecret replaces the secret of a client. Only this response contains the new secret.
func (a *API) rotateClientSecret(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, _, err := authorizeClient(r, op)
	if err != nil {
		return err
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (client.Information, error) {
		return a.oidc.Clients.RotateSecret(r.Context(), a.registrar(r, op), id)
	}, func(made client.Information) (int, any, any, error) {
		return http.StatusOK, made, made, nil // the stored one is the result of the Update, which has no secrets
	}))
}

func (a *API) deleteClient(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, _, err := authorizeClient(r, op)
	if err != nil {
		return err
	}
	if err := a.oidc.Clients.Delete(r.Context(), a.registrar(r, op), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type signingKey struct {
	ID    string  `json:"kid"`
	Alg   string  `json:"alg"`
	Made  *string `json:"created"`
	From  *string `json:"signsFrom"`
	Signs bool    `json:"signs"`
}

// listSigningKeys lists the published signing keys, a few for each algorithm.
func (a *API) listSigningKeys(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := op.RequireUnscoped(admin.PermReadConfiguration); err != nil {
		return err
	}
	keys, err := a.oidc.Keys.List(r.Context())
	if err != nil {
		return err
	}
	out := make([]signingKey, len(keys))
	for i, k := range keys {
		out[i] = signingKey{k.ID, k.Alg, reply.Timestamp(k.Created), reply.Timestamp(k.NotBefore), k.Signs}
	}
	return reply.JSON(w, http.StatusOK, out)
}

// rotateSigningKeys creates keys that sign after a day. It creates none while the next keys wait.
func (a *API) rotateSigningKeys(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := op.RequireUnscoped(admin.PermConfigure); err != nil {
		return err
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	if err := a.oidc.Keys.Rotate(r.Context(), reply.RequestFrom(r.Context()).Origin(), op.Actor()); err != nil {
		return err
	}
	return a.listSigningKeys(w, r, op)
}
