package console

import (
	"context"
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const rolesPath = "/console/roles"

func (c *Pages) registerRoles(r *site.Router) {
	c.Get(r, rolesPath, c.getRoles)
	c.Get(r, rolesPath+"/{id}", c.getPersonRoles)
	role := shell.Act{Section: "roles", Need: admin.PermAssignRoles, Unscoped: true, Reason: true, Budget: throttle.APIWrites}
	assign := role
	assign.Name, assign.Path = "role_assign", rolesPath+"/{id}/assign"
	assign.Open = c.openRoles(func(p admin.Principal) []view.Field {
		return append([]view.Field{{Name: "type", Words: "role_type", Kind: "select", Options: roleOptions(func(r account.Role) bool { return p.CheckInitialRole(r) == nil })}},
			whereFields()...)
	})
	assign.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		groups, err := c.whereOf(ctx, p, in)
		if err == nil {
			_, err = c.Directory.Admin.AssignRole(ctx, p, from, in.Path("id"), admin.NewRoleAssignment{Role: account.Role(in.Get("type")), Targets: groups})
		}
		return shell.Outcome{}, err
	}
	revoke := role
	revoke.Name, revoke.Path, revoke.Danger = "role_revoke", rolesPath+"/{id}/{rid}/revoke", true
	revoke.Open = c.openRoles(nil)
	revoke.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		return shell.Outcome{}, c.Directory.Admin.RevokeRole(ctx, p, from, in.Path("id"), in.Path("rid"))
	}
	c.Act(r, assign)
	c.Act(r, revoke)
	type change func(context.Context, admin.Principal, account.RequestInfo, string, string, account.GroupID) error
	for name, do := range map[string]change{"role_add_group": c.Directory.Admin.AddTarget, "role_remove_group": c.Directory.Admin.RemoveTarget} {
		target := role
		target.Name, target.Path, target.Repeatable = name, rolesPath+"/{id}/{rid}/"+strings.TrimPrefix(name, "role_"), true
		target.Open = c.openRoles(func(admin.Principal) []view.Field {
			return []view.Field{{Name: "group", Words: "role_group", Kind: "text", HasHint: true}}
		})
		target.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			id, err := c.targetOf(ctx, p, in)
			if err == nil {
				err = do(ctx, p, from, in.Path("id"), in.Path("rid"), id)
			}
			return shell.Outcome{}, err
		}
		c.Act(r, target)
	}
}

// targetOf returns the group in a form. The id of a deleted group, which a role may still have, is valid.
func (c *Pages) targetOf(ctx context.Context, p admin.Principal, in shell.Input) (account.GroupID, error) {
	text := strings.TrimSpace(in.Get("group"))
	g, err := c.Directory.FindGroup(ctx, p, text)
	if errcode.Of(err) != errcode.NotFound {
		return g.ID, err
	}
	assignment, _, err := c.Directory.Admin.Role(ctx, p, in.Path("id"), in.Path("rid"))
	if err != nil {
		return "", err
	}
	for _, id := range assignment.Groups {
		if string(id) == text {
			return id, nil
		}
	}
	return "", errcode.InvalidField("group", "no_group")
}

// openRoles returns the function that opens the form of an operation on the roles of the user in the path.
func (c *Pages) openRoles(fields func(admin.Principal) []view.Field) func(*http.Request, admin.Principal) (shell.Form, error) {
	return func(r *http.Request, p admin.Principal) (shell.Form, error) {
		u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
		if err != nil {
			return shell.Form{}, err
		}
		if rid := r.PathValue("rid"); rid != "" {
			if _, _, err := c.Directory.Admin.Role(r.Context(), p, string(u.ID), rid); err != nil {
				return shell.Form{}, err
			}
		}
		f := shell.Form{Subject: u.DisplayName(), Back: rolesPath + "/" + string(u.ID)}
		if fields != nil {
			f.Fields = fields(p)
		}
		return f, nil
	}
}

// roleOptions returns the roles that a choice offers, lowest first: the first is preselected.
func roleOptions(offered func(account.Role) bool) (all []view.Option) {
	for _, r := range account.Roles() {
		if offered(r) {
			all = append([]view.Option{{Value: string(r), Words: roleWords(r)}}, all...)
		}
	}
	return all
}

func roleWords(r account.Role) templates.Key { return templates.Key("roles.name_" + string(r)) }

// whereFields returns the fields that state for which groups a role or token is. All groups must be said: an empty list is an error.
func whereFields() []view.Field {
	return []view.Field{{Name: "where", Words: "role_where", Kind: "choice", Options: []view.Option{{Value: "all", Words: "field.role_all"}, {Value: "named", Words: "field.role_named"}}},
		{Name: "groups", Words: "role_groups", Kind: "textarea", Max: 8192, Optional: true, HasHint: true}}
}

// whereOf returns the groups that the fields of whereFields state; nil means all.
func (c *Pages) whereOf(ctx context.Context, p admin.Principal, in shell.Input) ([]account.GroupID, error) {
	ids, err := c.groupsNamed(ctx, p, in.Get("groups"))
	if err != nil {
		return nil, err
	}
	switch all := in.Get("where") == "all"; {
	case all && len(ids) > 0:
		return nil, errcode.InvalidField("groups", "all_and_named")
	case !all && len(ids) == 0:
		return nil, errcode.InvalidField("groups", "empty")
	}
	return ids, nil
}

func (c *Pages) getRoles(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	asked := r.URL.Query()
	page := view.Roles{Base: c.Base(r, p, "roles"), Role: asked.Get("role"), Group: asked.Get("group")}
	page.Filter = view.Field{Name: "role", Words: "roles_role", Kind: "select", Optional: true, Value: page.Role,
		Options: append([]view.Option{{Words: "roles.any"}}, roleOptions(func(account.Role) bool { return true })...)}
	q := roster.HoldingQuery{Group: account.GroupID(page.Group), Role: account.Role(page.Role), After: after, Limit: shell.RowsPerPage}
	found, next, err := c.Directory.Admin.RoleHolders(r.Context(), p, q)
	if err != nil {
		return err
	}
	page.More = shell.MorePath(r, next)
	names := map[account.GroupID]string{}
	if page.GroupName, err = c.groupLabel(r.Context(), p, q.Group, names); err != nil {
		return err
	}
	for _, h := range found {
		row := holderRow(h)
		if row.Group, err = c.groupLabel(r.Context(), p, h.Group, names); err != nil {
			return err
		}
		page.Holders = append(page.Holders, row)
	}
	return c.Render(w, http.StatusOK, page)
}

func holderRow(h roster.Holding) view.HolderRow {
	row := view.HolderRow{Path: rolesPath + "/" + string(h.User.ID), Name: h.User.DisplayName(), Login: h.User.Login, Active: h.User.Status == account.StatusActive, Many: h.Many}
	for _, a := range h.Roles {
		row.Roles = append(row.Roles, roleWords(a.Role))
	}
	return row
}

func (c *Pages) getPersonRoles(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	if err := p.RequireUnscoped(admin.PermRead); err != nil {
		return err
	}
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	at := rolesPath + "/" + string(u.ID)
	page := view.PersonRoles{Base: c.Base(r, p, "roles"), Name: u.DisplayName(), Login: u.Login, PersonPath: shell.PeoplePath + "/" + string(u.ID), Path: at,
		CanAssign: p.Allows(admin.PermAssignRoles) && p.Owner != string(u.ID)}
	names := map[account.GroupID]string{}
	for _, a := range u.Roles {
		row := view.AssignmentRow{Path: at + "/" + a.ID, Role: roleWords(a.Role), Since: a.Created, Whole: a.Role == account.RoleSuperAdmin,
			CanChange: page.CanAssign && p.CheckInitialRole(a.Role) == nil}
		for _, id := range a.Groups {
			name, err := c.groupLabel(r.Context(), p, id, names)
			if err != nil {
				return err
			}
			row.Groups = append(row.Groups, view.TargetRow{Name: name, Remove: site.WithQuery(row.Path+"/remove_group", "group", string(id))})
		}
		page.Assignments = append(page.Assignments, row)
	}
	return c.Render(w, http.StatusOK, page)
}
