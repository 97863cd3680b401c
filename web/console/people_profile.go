package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/site"
)

// registerProfile registers the operations on the profile and the groups of a user.
func (c *Pages) registerProfile(r *site.Router) {
	c.act(r, act{name: "edit", path: personPath + "/{id}/edit", section: "people", need: admin.PermManage, budget: throttle.APIWrites, reason: true, repeatable: true,
		open: c.openEdit, run: c.edit})
	c.act(r, act{name: "join_group", path: personPath + "/{id}/groups/add", section: "people", need: admin.PermManage, budget: throttle.APIWrites, reason: true, unscoped: true, repeatable: true,
		open: c.openJoin, run: c.join})
	c.act(r, act{name: "leave_group", path: personPath + "/{id}/groups/{gid}/remove", section: "people", need: admin.PermManage, budget: throttle.NeverRefused, danger: true, reason: true,
		repeatable: true, open: c.openLeave, run: c.leave})
}

// nameFields returns the fields of the names and the language of a user.
func nameFields(u *account.User) []view.Field {
	locale := view.Field{Name: "locale", Kind: "select", Value: u.Locale, Optional: true, Options: []view.Option{{Words: "person.locale_default"}}}
	for _, lang := range templates.Languages() {
		locale.Options = append(locale.Options, view.Option{Value: lang, Words: key("person.locale_", lang)})
	}
	return []view.Field{{Name: "firstName", Kind: "text", Value: u.FirstName, Optional: true, Max: account.MaxName},
		{Name: "lastName", Kind: "text", Value: u.LastName, Optional: true, Max: account.MaxName}, locale}
}

// numberFields returns the fields of the telephone numbers of a user.
func numberFields(u *account.User) []view.Field {
	return []view.Field{{Name: "mobilePhone", Kind: "tel", Value: u.MobilePhone.Number, Optional: true, HasHint: true}, {Name: "primaryPhone", Kind: "tel", Value: u.PrimaryPhone.Number, Optional: true}}
}

// openEdit returns the form of a profile. A principal with a group scope cannot change addresses (protocol rule 21).
func (c *Pages) openEdit(r *http.Request, p admin.Principal) (form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return form{}, err
	}
	f := form{subject: u.DisplayName(), back: pathOf(&u), fields: append(nameFields(&u), numberFields(&u)...)}
	if as := u.AsGiven(); !p.Scoped() {
		f.fields = append(f.fields, view.Field{Name: "login", Kind: "text", Value: as.Login}, view.Field{Name: "email", Kind: "email", Value: as.Email},
			view.Field{Name: "secondEmail", Kind: "email", Value: as.SecondEmail, Optional: true})
	}
	return f, nil
}

func (c *Pages) edit(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	change := directory.ProfileChange{}
	for name, into := range map[string]**string{"firstName": &change.FirstName, "lastName": &change.LastName, "locale": &change.Locale,
		"mobilePhone": &change.MobilePhone, "primaryPhone": &change.PrimaryPhone, "login": &change.Login, "email": &change.Email, "secondEmail": &change.SecondEmail} {
		if sent := in.all(name); len(sent) > 0 {
			*into = &sent[0]
		}
	}
	_, err := c.Directory.UpdateUser(ctx, p, from, in.path("id"), change)
	return outcome{}, err
}

func (c *Pages) openJoin(r *http.Request, p admin.Principal) (form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	group, err := c.groupField(r, p, "garage")
	group.HasHint = group.Kind == "text"
	f.fields = append(f.fields, group)
	return f, err
}

// groupIn returns the group that a field names.
func (c *Pages) groupIn(ctx context.Context, p admin.Principal, name string) (account.Group, error) {
	g, err := c.Directory.FindGroup(ctx, p, name)
	if errcode.Of(err) == errcode.NotFound {
		return g, errcode.InvalidField("garage", "unknown")
	}
	return g, err
}

func (c *Pages) join(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	g, err := c.groupIn(ctx, p, in.get("garage"))
	if err == nil {
		err = c.Directory.AddMember(ctx, p, from, g.ID, in.path("id"))
	}
	return outcome{}, err
}

func (c *Pages) openLeave(r *http.Request, p admin.Principal) (form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	g, err := c.Directory.Group(r.Context(), p, account.GroupID(r.PathValue("gid")))
	f.subject += " – " + g.Name
	return f, err
}

// leave removes a user from a group. A manager may then no longer read their page.
func (c *Pages) leave(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	err := c.Directory.RemoveMember(ctx, p, from, account.GroupID(in.path("gid")), in.path("id"))
	if err == nil && p.Scoped() {
		if _, gone := c.Directory.Admin.User(ctx, p, in.path("id")); errcode.Of(gone) == errcode.NotFound {
			return outcome{next: personPath + "?done=leave_group"}, nil
		}
	}
	return outcome{}, err
}
