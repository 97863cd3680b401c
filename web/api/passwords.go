package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// passwordLinkJSON is Okta's response. It is empty if the link was sent by email.
type passwordLinkJSON struct {
	ResetPasswordURL string `json:"resetPasswordUrl,omitempty"`
}

func (a *API) resetPassword(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, sendEmail, err := readSendEmail(r)
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (secret.Value, error) {
		return a.directory.ResetPassword(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, sendEmail)
	}, func(link secret.Value) (status int, shown, kept any, err error) {
		return http.StatusOK, passwordLinkJSON{link.Reveal()}, passwordLinkJSON{}, nil
	}))
}

// temporaryJSON is Okta's response with a temporary password. The stored response is without it.
type temporaryJSON struct {
	TempPassword string `json:"tempPassword,omitempty"`
}

// expirePassword serves two paths of Okta: one returns the user, the other a temporary password, which older clients
// request by tempPassword=true. revokeSessions has no effect: a temporary password ends all sessions, and otherwise
// none ends.
func (a *API) expirePassword(temporary bool) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		asked := false
		id, err := readParameters(r, func(q query) (err error) {
			if asked, err = q.boolean("tempPassword", temporary); err == nil {
				_, err = q.boolean("revokeSessions", false)
			}
			return err
		})
		if err != nil {
			return err
		}
		if asked || temporary {
			return a.temporaryPassword(w, r, op, id)
		}
		return a.once(w, r, op, answering(func(r *http.Request) (account.User, error) {
			return a.directory.ExpirePassword(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
		}, a.userAnswer))
	}
}

func (a *API) temporaryPassword(w http.ResponseWriter, r *http.Request, op admin.Principal, id string) error {
	return a.once(w, r, op, answering(func(r *http.Request) (secret.Value, error) {
		return a.directory.TemporaryPassword(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
	}, func(secret secret.Value) (status int, shown, kept any, err error) {
		return http.StatusOK, temporaryJSON{secret.Reveal()}, temporaryJSON{}, nil
	}))
}

// changeBody is Okta's change of a password.
type changeBody struct {
	OldPassword    passwordBody `json:"oldPassword"`
	NewPassword    passwordBody `json:"newPassword"`
	RevokeSessions bool         `json:"revokeSessions"` // without effect: all sessions end
}

// credentialsAnswer is Okta's response to a change of the password.
type credentialsAnswer struct {
	Password struct{}     `json:"password"`
	Provider providerJSON `json:"provider"`
}

// changePassword requires the current password. The parameter strict, which enables Okta's minimum age, has no effect.
func (a *API) changePassword(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	if _, err := q.boolean("strict", false); err != nil {
		return err
	}
	var body changeBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if err := body.OldPassword.require("oldPassword"); err != nil {
		return err
	}
	if err := body.NewPassword.require("newPassword"); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (directory.PasswordChanged, error) {
		return a.directory.ChangePassword(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, body.OldPassword.Value, body.NewPassword.Value)
	}, func(directory.PasswordChanged) (status int, shown, kept any, err error) {
		out := credentialsAnswer{Provider: providerJSON{Type: "OKTA", Name: "OKTA"}}
		return http.StatusOK, out, out, nil
	}))
}

// passwordBody is a password in Okta's model. A hash or a hook is refused, because a caller that sends one relies on
// it.
type passwordBody struct {
	Value string   `json:"value"`
	Hash  presence `json:"hash"`
	Hook  presence `json:"hook"`
}

// check returns an error for a hash or a hook.
func (b *passwordBody) check(member string) error {
	switch {
	case bool(b.Hash):
		return errcode.InvalidField(member+".hash", "unsupported")
	case bool(b.Hook):
		return errcode.InvalidField(member+".hook", "unsupported")
	}
	return nil
}

// require returns an error for a hash, a hook or an empty value.
func (b *passwordBody) require(member string) error {
	if err := b.check(member); err != nil {
		return err
	}
	if b.Value == "" {
		return errcode.InvalidField(member+".value", "empty")
	}
	return nil
}

// presence reports whether a member that is not supported has a value.
type presence bool

// UnmarshalJSON implements json.Unmarshaler.
func (g *presence) UnmarshalJSON(text []byte) error {
	*g = string(text) != "null"
	return nil
}
