package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/site"
)

const (
	groupsPath = "/console/groups"
	maxShown   = 20 // managers on the page of a group
)

func (c *Pages) registerGroups(r *site.Router) {
	c.get(r, groupsPath, c.getGroups)
	c.get(r, groupsPath+"/{gid}", c.getGroup)
	fields := func(g account.Group) []view.Field {
		return []view.Field{{Name: "name", Words: "group_name", Kind: "text", Max: 255, Value: g.Name},
			{Name: "description", Words: "group_description", Kind: "textarea", Max: 1024, Optional: true, Value: g.Description}}
	}
	group := act{section: "groups", need: admin.PermManage, unscoped: true, budget: throttle.APIWrites, reason: true}
	create := group
	create.name, create.path = "group_create", groupsPath+"/new"
	create.open = func(*http.Request, admin.Principal) (form, error) {
		return form{back: groupsPath, fields: fields(account.Group{})}, nil
	}
	create.run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
		g, err := c.Directory.CreateGroup(ctx, p, from, in.get("name"), in.get("description"))
		return outcome{next: site.WithQuery(groupPath(g.ID), "done", create.name)}, err
	}
	edit := group
	edit.name, edit.path, edit.repeatable = "group_edit", groupsPath+"/{gid}/edit", true
	edit.open = c.openGroup(fields)
	edit.run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
		_, err := c.Directory.UpdateGroup(ctx, p, from, account.GroupID(in.path("gid")), in.get("name"), in.get("description"))
		return outcome{}, err
	}
	remove := group
	remove.name, remove.path, remove.danger = "group_delete", groupsPath+"/{gid}/delete", true
	remove.open = c.openGroup(nil)
	remove.run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
		err := c.Directory.DeleteGroup(ctx, p, from, account.GroupID(in.path("gid")))
		return outcome{next: site.WithQuery(groupsPath, "done", remove.name)}, err
	}
	for _, a := range []act{create, edit, remove} {
		c.act(r, a)
	}
	c.registerMembers(r)
}

// registerMembers registers the operations on the members of a group.
func (c *Pages) registerMembers(r *site.Router) {
	member := act{section: "groups", need: admin.PermManage, reason: true, budget: throttle.APIWrites, repeatable: true}
	add := member
	add.name, add.path, add.unscoped = "group_add", groupsPath+"/{gid}/add", true
	add.open = c.openGroup(func(account.Group) []view.Field {
		return []view.Field{{Name: "login", Words: "group_login", Kind: "text"}}
	})
	add.run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
		err := c.Directory.AddMember(ctx, p, from, account.GroupID(in.path("gid")), strings.TrimSpace(in.get("login")))
		if errcode.Of(err) == errcode.NotFound {
			err = errcode.InvalidField("login", "nobody")
		}
		return outcome{}, err
	}
	leave := member
	leave.name, leave.path, leave.danger = "group_remove", groupsPath+"/{gid}/members/{id}/remove", true
	leave.open = func(r *http.Request, p admin.Principal) (form, error) {
		f, err := c.openGroup(nil)(r, p)
		if err != nil {
			return form{}, err
		}
		u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
		f.subject = u.DisplayName()
		return f, err
	}
	leave.run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
		return outcome{}, c.Directory.RemoveMember(ctx, p, from, account.GroupID(in.path("gid")), in.path("id"))
	}
	c.act(r, add)
	c.act(r, leave)
}

func groupPath(id account.GroupID) string { return groupsPath + "/" + url.PathEscape(string(id)) }

// openGroup returns the function that opens the form of an operation on the group in the path.
func (c *Pages) openGroup(fields func(account.Group) []view.Field) func(*http.Request, admin.Principal) (form, error) {
	return func(r *http.Request, p admin.Principal) (form, error) {
		g, err := c.Directory.Group(r.Context(), p, account.GroupID(r.PathValue("gid")))
		if err != nil {
			return form{}, err
		}
		f := form{subject: g.Name, back: groupPath(g.ID)}
		if fields != nil {
			f.fields = fields(g)
		}
		return f, nil
	}
}

func (c *Pages) getGroups(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := cursor(r)
	if err != nil {
		return err
	}
	page := view.Groups{Base: c.base(r, p, "groups"), Query: r.URL.Query().Get("q"), CanCreate: p.Allows(admin.PermManage) && !p.Scoped()}
	groups, next, err := c.Directory.Groups(r.Context(), p, account.GroupQuery{Prefix: page.Query, After: after, Limit: rowsPerPage})
	if err != nil {
		return err
	}
	page.More = morePath(r, next)
	for _, g := range groups {
		page.Groups = append(page.Groups, view.GroupRow{Path: groupPath(g.ID), Name: g.Name, Description: g.Description})
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) getGroup(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := cursor(r)
	if err != nil {
		return err
	}
	risk, err := c.Directory.GroupRisk(r.Context(), p, account.GroupID(r.PathValue("gid")))
	if err != nil {
		return err
	}
	g, asked := risk.Group, r.URL.Query()
	page := view.Group{Base: c.base(r, p, "groups"), Name: g.Name, Description: g.Description, Path: groupPath(g.ID), Query: asked.Get("q"), OnlyRisk: asked.Get("risk") == "yes",
		CanReset: risk.CanReset, AtRisk: risk.AtRisk(), Scoped: p.Scoped(), CanRemove: p.Allows(admin.PermManage), CanChange: p.Allows(admin.PermManage) && !p.Scoped()}
	users, next, err := c.Directory.Members(r.Context(), p, g.ID, roster.UserQuery{Prefix: page.Query, AtRisk: page.OnlyRisk, After: after, Limit: rowsPerPage})
	if err != nil {
		return err
	}
	page.More = morePath(r, next)
	for i := range users {
		u := &users[i]
		page.Members = append(page.Members, view.MemberRow{Path: personPath + "/" + string(u.ID), Remove: groupPath(g.ID) + "/members/" + string(u.ID) + "/remove",
			Name: u.DisplayName(), Login: u.Login, Active: u.Status == account.StatusActive, Devices: c.Directory.Admin.Accounts.CountPrimary(u)})
	}
	if !p.Scoped() {
		page.UnscopedAdmins = *risk.UnscopedAdmins
		page.RolesPath = site.WithQuery(rolesPath, "group", string(g.ID))
		found, next, err := c.Directory.Admin.RoleHolders(r.Context(), p, roster.HoldingQuery{Group: g.ID, Limit: maxShown})
		if err != nil {
			return err
		}
		page.MoreManagers = next != ""
		for _, h := range found {
			page.Managers = append(page.Managers, holderRow(h))
		}
	}
	if page.Applications, err = c.applicationsFor(r.Context(), p, g.ID); err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, page)
}
