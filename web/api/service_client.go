package api

import (
	"net/http"
	"slices"
	"strings"

	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

// servicePrincipal reports whether the secret is an access token. It returns the scopes of the token, and the principal of
// the service client for which it was issued. For any other access token it returns NoSession.
func (a *API) servicePrincipal(r *http.Request, secret secret.Value) (p admin.Principal, scopes []string, ok bool, err error) {
	if a.oidc == nil || !strings.HasPrefix(secret.Reveal(), token.AccessPrefix) {
		return admin.Principal{}, nil, false, nil
	}
	err = a.directory.Admin.Accounts.Store.View(r.Context(), func(snap store.Snapshot) error {
		t, err := a.oidc.Tokens.ServiceAccess(snap, secret.Reveal())
		if err != nil {
			return err
		}
		if t == nil {
			return errcode.New(errcode.NoSession)
		}
		c := t.Client
		scopes = t.Scopes
		p, err = a.directory.Admin.ServicePrincipal(snap, admin.ServiceClient{ID: string(c.ID), Name: c.Name, Owner: c.Owner, Role: c.Role,
			Groups: c.Policy.Groups, Expires: t.Expires})
		return err
	})
	p.CannotAssignRoles = !slices.Contains(scopes, scopeName("roles", "manage"))
	return p, scopes, true, err
}

// areas maps parts of paths to the areas of the scopes. The first of them decides, but the roles of a user are an area of
// their own. A path without such a part is for API tokens only.
var areas = map[string]string{"users": "users", "imports": "users", "approvals": "users", "reset-approvals": "users", "help-requests": "users", "reports": "users",
	"groups": "groups", "roles": "roles", "logs": "logs", "webhooks": "eventHooks", "api-tokens": "apiTokens", "clients": "clients", "signing-keys": "clients"}

// coversCall reports whether one of the scopes is for a call. Reading needs "read" or "manage", everything else "manage".
func coversCall(scopes []string, r *http.Request) bool {
	_, path, _ := strings.Cut(r.Pattern, " ")
	area := ""
	for part := range strings.SplitSeq(path, "/") {
		if named, ok := areas[part]; ok && (area == "" || named == "roles") {
			area = named
		}
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return slices.Contains(scopes, scopeName(area, "manage")) || reads && slices.Contains(scopes, scopeName(area, "read"))
}

func scopeName(area, access string) string { return "okta." + area + "." + access }

// setServiceOwner replaces the owner of a service client by its id.
func (a *API) setServiceOwner(r *http.Request, op admin.Principal, c *client.Registration) (err error) {
	if c.Role == "" {
		return nil
	}
	c.Owner, err = a.directory.Admin.ServiceOwner(r.Context(), op, c.Role, c.Owner)
	return err
}
