package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
)

// change returns the change of a profile by POST, or by PUT if whole is true.
func (b *userBody) change(whole bool) (directory.ProfileChange, error) {
	c := directory.ProfileChange{Replace: whole, Password: b.Credentials.Password.Value}
	if err := b.unsupported(); err != nil {
		return c, err
	}
	if b.Role != "" { // not ignored: the caller relies on it
		return c, errcode.InvalidField("role", "unsupported")
	}
	for i, into := range []**string{&c.Login, &c.Email, &c.SecondEmail, &c.FirstName, &c.LastName, &c.Locale, &c.PrimaryPhone, &c.MobilePhone} {
		name := profileMembers[i]
		raw, there := b.Profile[name]
		text, err := b.Profile.take(name)
		if err != nil {
			return c, err
		}
		if !there {
			continue
		}
		if *into = &text; name != "locale" {
			continue
		}
		switch lang := templates.LanguageOf(text); {
		case lang != text:
			b.Profile[name] = raw // stored as given, such as "fr_CA" or a language without translation
			text = lang
		case !whole:
			b.Profile[name] = []byte("null") // removes an earlier one
		}
	}
	c.Custom = b.Profile
	return c, nil
}

// readProfileChange reads the request of either call.
func readProfileChange(r *http.Request, whole bool) (id string, c directory.ProfileChange, err error) {
	body := userBody{Profile: profileBody{}}
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return "", c, err
	}
	if body.Profile == nil { // "profile": null
		body.Profile = profileBody{}
	}
	if c, err = body.change(whole); err != nil {
		return "", c, err
	}
	id, err = pathID(r, "id")
	return id, c, err
}

// updateUser is Okta's partial update.
func (a *API) updateUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, c, err := readProfileChange(r, false)
	if err != nil {
		return err
	}
	return a.once(w, r, op, approvable(a, func(r *http.Request) (account.User, *approval.Approval, error) {
		return a.approvals.UpdateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, c)
	}, a.userAnswer))
}

// replaceUser is Okta's full update.
func (a *API) replaceUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, c, err := readProfileChange(r, true)
	if err != nil {
		return err
	}
	u, waits, err := a.approvals.UpdateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, c)
	if err != nil {
		return err
	}
	if waits != nil {
		return reply.JSON(w, http.StatusAccepted, a.approval(*waits))
	}
	out, err := a.user(&u)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, out)
}
