package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

// change reads what is to become of a profile out of the body of POST (named members) or PUT (whole).
func (b *userBody) change(whole bool) (directory.ProfileChange, error) {
	c := directory.ProfileChange{Replace: whole, Password: b.Credentials.Password.Value}
	if err := b.unsupported(); err != nil {
		return c, err
	}
	if b.Role != "" { // never ignored: who sends one believes that it counts
		return c, errcode.InvalidField("role", "unsupported")
	}
	for i, into := range []**string{&c.Login, &c.Email, &c.SecondEmail, &c.FirstName, &c.LastName, &c.Locale} {
		name := profileMembers[i]
		raw, there := b.Profile[name]
		text, err := b.Profile.take(name)
		if err != nil {
			return c, err
		}
		if !there {
			continue
		}
		if *into = &text; name == "locale" && text != "" && language(text) == "" {
			b.Profile[name] = raw // as it was written, a language that we do not speak
			text = ""
		} else if name == "locale" {
			text = language(text)
			if !whole {
				b.Profile[name] = []byte("null") // takes an earlier such one away
			}
		}
	}
	c.Custom = b.Profile
	return c, nil
}

// changed decodes the body of either call.
func changed(r *http.Request, whole bool) (id string, c directory.ProfileChange, err error) {
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
	id, c, err := changed(r, false)
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (account.User, error) {
		return a.directory.UpdateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, c)
	}, a.userAnswer))
}

// replaceUser is Okta's full update.
func (a *API) replaceUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, c, err := changed(r, true)
	if err != nil {
		return err
	}
	u, err := a.directory.UpdateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, c)
	if err != nil {
		return err
	}
	out, err := a.user(&u)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, out)
}
