package api

import (
	"net/http"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// tokenJSON is an API token. Only the response that creates it contains the secret.
type tokenJSON struct {
	ID       string              `json:"id"`
	Name     string              `json:"name"`
	Owner    string              `json:"owner"`
	Role     account.Role        `json:"role"`
	Groups   []account.GroupID   `json:"groups"` // null: all users; []: no users
	Allow    []string            `json:"allow"`
	By       string              `json:"createdBy"`
	Created  *string             `json:"created"`
	Expires  *string             `json:"expiresAt"`
	LastUsed *string             `json:"lastUsed"`
	Token    string              `json:"token,omitempty"`
	Links    map[string]linkJSON `json:"_links"`
}

func (a *API) token(t admin.Token) tokenJSON {
	out := tokenJSON{ID: t.ID, Name: t.Name, Owner: t.Owner, Role: t.Role, Groups: t.Groups, Allow: []string{}, By: t.By,
		Created: reply.Timestamp(t.Created), Expires: reply.Timestamp(t.Expires), LastUsed: reply.Timestamp(t.LastUsed),
		Links: map[string]linkJSON{"revoke": {Href: a.publicURL + "/api/v1/api-tokens/" + t.ID, Method: http.MethodDelete}}}
	if t.Secrets {
		out.Allow = append(out.Allow, allowSecrets)
	}
	if t.Authn {
		out.Allow = append(out.Allow, allowAuthn)
	}
	return out
}

// The allowances of a token (protocol rule 20).
const (
	allowSecrets = "secrets"
	allowAuthn   = "authn"
)

func (a *API) listTokens(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]admin.Token, string, error) {
		return a.directory.Admin.Tokens(r.Context(), op, p.after, p.limit)
	}, a.token)
}

// tokenBody is a token to create.
type tokenBody struct {
	Name      string            `json:"name"`
	Role      account.Role      `json:"role"`
	Groups    []account.GroupID `json:"groups"`    // absent or null: all users; []: no users
	ExpiresIn int64             `json:"expiresIn"` // seconds; default: 90 days
	Allow     []string          `json:"allow"`
	Owner     string            `json:"owner"` // a user; for the operator only
}

// maxTokenTTL limits expiresIn before it is multiplied. The domain checks the allowed lifetime.
const maxTokenTTL = 10 * 365 * 24 * 60 * 60

func (a *API) createToken(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body tokenBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if body.ExpiresIn < 0 || body.ExpiresIn > maxTokenTTL {
		return errcode.InvalidField("expiresIn", "too_long")
	}
	n := admin.NewToken{Name: body.Name, Role: body.Role, Groups: body.Groups, Owner: body.Owner, TTL: time.Duration(body.ExpiresIn) * time.Second}
	for _, allow := range body.Allow {
		switch allow {
		case allowSecrets:
			n.Secrets = true
		case allowAuthn:
			n.Authn = true
		default:
			return errcode.InvalidField("allow", "unknown")
		}
	}
	var secret secret.Value // written after the operation, and not stored
	return a.once(w, r, op, answering(func(r *http.Request) (t admin.Token, err error) {
		secret, t, err = a.directory.Admin.CreateToken(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), n)
		return t, err
	}, func(t admin.Token) (status int, shown, kept any, err error) {
		whole := a.token(t)
		whole.Token = secret.Reveal()
		return http.StatusCreated, whole, a.token(t), nil
	}))
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "tid")
	if err != nil {
		return err
	}
	if err := a.directory.Admin.RevokeToken(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
