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
	"barillet/web/console/shell"
	"barillet/web/site"
)

// registerProfile registers the operations on the profile and the groups of a user.
func (c *Pages) registerProfile(r *site.Router) {
	c.Act(r, shell.Act{Name: "edit", Path: shell.PeoplePath + "/{id}/edit", Section: "people", Need: admin.PermManage, Budget: throttle.APIWrites, Reason: true, Repeatable: true,
		Open: c.openEdit, Run: c.edit})
	c.Act(r, shell.Act{Name: "join_group", Path: shell.PeoplePath + "/{id}/groups/add", Section: "people", Need: admin.PermManage, Budget: throttle.APIWrites, Reason: true, Unscoped: true, Repeatable: true,
		Open: c.openJoin, Run: c.join})
	c.Act(r, shell.Act{Name: "leave_group", Path: shell.PeoplePath + "/{id}/groups/{gid}/remove", Section: "people", Need: admin.PermManage, Budget: throttle.NeverRefused, Danger: true, Reason: true,
		Repeatable: true, Open: c.openLeave, Run: c.leave})
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
func (c *Pages) openEdit(r *http.Request, p admin.Principal) (shell.Form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return shell.Form{}, err
	}
	f := shell.Form{Subject: u.DisplayName(), Back: pathOf(&u), Fields: append(nameFields(&u), numberFields(&u)...)}
	if as := u.AsGiven(); !p.Scoped() {
		f.Fields = append(f.Fields, view.Field{Name: "login", Kind: "text", Value: as.Login}, view.Field{Name: "email", Kind: "email", Value: as.Email},
			view.Field{Name: "secondEmail", Kind: "email", Value: as.SecondEmail, Optional: true})
	}
	return f, nil
}

func (c *Pages) edit(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	change := directory.ProfileChange{}
	for name, into := range map[string]**string{"firstName": &change.FirstName, "lastName": &change.LastName, "locale": &change.Locale,
		"mobilePhone": &change.MobilePhone, "primaryPhone": &change.PrimaryPhone, "login": &change.Login, "email": &change.Email, "secondEmail": &change.SecondEmail} {
		if sent := in.All(name); len(sent) > 0 {
			*into = &sent[0]
		}
	}
	_, err := c.Directory.UpdateUser(ctx, p, from, in.Path("id"), change)
	return shell.Outcome{}, err
}

func (c *Pages) openJoin(r *http.Request, p admin.Principal) (shell.Form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	group, err := c.groupField(r, p, "garage")
	group.HasHint = group.Kind == "text"
	f.Fields = append(f.Fields, group)
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

func (c *Pages) join(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	g, err := c.groupIn(ctx, p, in.Get("garage"))
	if err == nil {
		err = c.Directory.AddMember(ctx, p, from, g.ID, in.Path("id"))
	}
	return shell.Outcome{}, err
}

func (c *Pages) openLeave(r *http.Request, p admin.Principal) (shell.Form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	g, err := c.Directory.Group(r.Context(), p, account.GroupID(r.PathValue("gid")))
	f.Subject += " – " + g.Name
	return f, err
}

// leave removes a user from a group. A manager may then no longer read their page.
func (c *Pages) leave(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	err := c.Directory.RemoveMember(ctx, p, from, account.GroupID(in.Path("gid")), in.Path("id"))
	if err == nil && p.Scoped() {
		if _, gone := c.Directory.Admin.User(ctx, p, in.Path("id")); errcode.Of(gone) == errcode.NotFound {
			return shell.Outcome{Next: shell.PeoplePath + "?done=leave_group"}, nil
		}
	}
	return shell.Outcome{}, err
}
