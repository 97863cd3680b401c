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
	"barillet/web/console/shell"
	"barillet/web/site"
)

const (
	groupsPath = "/console/groups"
	maxShown   = 20 // managers on the page of a group
)

func (c *Pages) registerGroups(r *site.Router) {
	c.Get(r, groupsPath, c.getGroups)
	c.Get(r, groupsPath+"/{gid}", c.getGroup)
	fields := func(g account.Group) []view.Field {
		return []view.Field{{Name: "name", Words: "group_name", Kind: "text", Max: 255, Value: g.Name},
			{Name: "description", Words: "group_description", Kind: "textarea", Max: 1024, Optional: true, Value: g.Description}}
	}
	group := shell.Act{Section: "groups", Need: admin.PermManage, Unscoped: true, Budget: throttle.APIWrites, Reason: true}
	create := group
	create.Name, create.Path = "group_create", groupsPath+"/new"
	create.Open = func(*http.Request, admin.Principal) (shell.Form, error) {
		return shell.Form{Back: groupsPath, Fields: fields(account.Group{})}, nil
	}
	create.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		g, err := c.Directory.CreateGroup(ctx, p, from, in.Get("name"), in.Get("description"))
		return shell.Outcome{Next: site.WithQuery(groupPath(g.ID), "done", create.Name)}, err
	}
	edit := group
	edit.Name, edit.Path, edit.Repeatable = "group_edit", groupsPath+"/{gid}/edit", true
	edit.Open = c.openGroup(fields)
	edit.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		_, err := c.Directory.UpdateGroup(ctx, p, from, account.GroupID(in.Path("gid")), in.Get("name"), in.Get("description"))
		return shell.Outcome{}, err
	}
	remove := group
	remove.Name, remove.Path, remove.Danger = "group_delete", groupsPath+"/{gid}/delete", true
	remove.Open = c.openGroup(nil)
	remove.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		err := c.Directory.DeleteGroup(ctx, p, from, account.GroupID(in.Path("gid")))
		return shell.Outcome{Next: site.WithQuery(groupsPath, "done", remove.Name)}, err
	}
	for _, a := range []shell.Act{create, edit, remove} {
		c.Act(r, a)
	}
	c.registerMembers(r)
}

// registerMembers registers the operations on the members of a group.
func (c *Pages) registerMembers(r *site.Router) {
	member := shell.Act{Section: "groups", Need: admin.PermManage, Reason: true, Budget: throttle.APIWrites, Repeatable: true}
	add := member
	add.Name, add.Path, add.Unscoped = "group_add", groupsPath+"/{gid}/add", true
	add.Open = c.openGroup(func(account.Group) []view.Field {
		return []view.Field{{Name: "login", Words: "group_login", Kind: "text"}}
	})
	add.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		err := c.Directory.AddMember(ctx, p, from, account.GroupID(in.Path("gid")), strings.TrimSpace(in.Get("login")))
		if errcode.Of(err) == errcode.NotFound {
			err = errcode.InvalidField("login", "nobody")
		}
		return shell.Outcome{}, err
	}
	leave := member
	leave.Name, leave.Path, leave.Danger = "group_remove", groupsPath+"/{gid}/members/{id}/remove", true
	leave.Open = func(r *http.Request, p admin.Principal) (shell.Form, error) {
		f, err := c.openGroup(nil)(r, p)
		if err != nil {
			return shell.Form{}, err
		}
		u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
		f.Subject = u.DisplayName()
		return f, err
	}
	leave.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		return shell.Outcome{}, c.Directory.RemoveMember(ctx, p, from, account.GroupID(in.Path("gid")), in.Path("id"))
	}
	c.Act(r, add)
	c.Act(r, leave)
}

func groupPath(id account.GroupID) string { return groupsPath + "/" + url.PathEscape(string(id)) }

// openGroup returns the function that opens the form of an operation on the group in the path.
func (c *Pages) openGroup(fields func(account.Group) []view.Field) func(*http.Request, admin.Principal) (shell.Form, error) {
	return func(r *http.Request, p admin.Principal) (shell.Form, error) {
		g, err := c.Directory.Group(r.Context(), p, account.GroupID(r.PathValue("gid")))
		if err != nil {
			return shell.Form{}, err
		}
		f := shell.Form{Subject: g.Name, Back: groupPath(g.ID)}
		if fields != nil {
			f.Fields = fields(g)
		}
		return f, nil
	}
}

func (c *Pages) getGroups(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	page := view.Groups{Base: c.Base(r, p, "groups"), Query: r.URL.Query().Get("q"), CanCreate: p.Allows(admin.PermManage) && !p.Scoped()}
	groups, next, err := c.Directory.Groups(r.Context(), p, account.GroupQuery{Prefix: page.Query, After: after, Limit: shell.RowsPerPage})
	if err != nil {
		return err
	}
	page.More = shell.MorePath(r, next)
	for _, g := range groups {
		page.Groups = append(page.Groups, view.GroupRow{Path: groupPath(g.ID), Name: g.Name, Description: g.Description})
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) getGroup(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	risk, err := c.Directory.GroupRisk(r.Context(), p, account.GroupID(r.PathValue("gid")))
	if err != nil {
		return err
	}
	g, asked := risk.Group, r.URL.Query()
	page := view.Group{Base: c.Base(r, p, "groups"), Name: g.Name, Description: g.Description, Path: groupPath(g.ID), Query: asked.Get("q"), OnlyRisk: asked.Get("risk") == "yes",
		CanReset: risk.CanReset, AtRisk: risk.AtRisk(), Scoped: p.Scoped(), CanRemove: p.Allows(admin.PermManage), CanChange: p.Allows(admin.PermManage) && !p.Scoped()}
	users, next, err := c.Directory.Members(r.Context(), p, g.ID, roster.UserQuery{Prefix: page.Query, AtRisk: page.OnlyRisk, After: after, Limit: shell.RowsPerPage})
	if err != nil {
		return err
	}
	page.More = shell.MorePath(r, next)
	for i := range users {
		u := &users[i]
		page.Members = append(page.Members, view.MemberRow{Path: shell.PeoplePath + "/" + string(u.ID), Remove: groupPath(g.ID) + "/members/" + string(u.ID) + "/remove",
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
