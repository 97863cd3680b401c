package api

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

// roleJSON is a role assignment in Okta's shape.
type roleJSON struct {
	ID             string              `json:"id"`
	Label          string              `json:"label"`
	Type           account.Role        `json:"type"`
	Status         string              `json:"status"`
	Created        *string             `json:"created"`
	LastUpdated    *string             `json:"lastUpdated"`
	AssignmentType string              `json:"assignmentType"`
	Targets        []account.GroupID   `json:"targets"` // specific to Barillet; null: all users
	Links          map[string]linkJSON `json:"_links"`
}

// labels are Okta's names of the roles.
var labels = map[account.Role]string{
	account.RoleSuperAdmin: "Super Administrator",
	account.RoleUserAdmin:  "Group Administrator",
	account.RoleHelpDesk:   "Help Desk Administrator",
	account.RoleReadOnly:   "Read-Only Administrator",
}

func (a *API) role(user account.UserID, g account.RoleAssignment) roleJSON {
	holder := a.publicURL + "/api/v1/users/" + string(user)
	self := holder + "/roles/" + g.ID
	status := "ACTIVE"
	if g.Rests {
		status = "INACTIVE"
	}
	return roleJSON{ID: g.ID, Label: labels[g.Role], Type: g.Role, Status: status, Created: reply.Timestamp(g.Created), LastUpdated: reply.Timestamp(g.Changed),
		AssignmentType: "USER", Targets: g.Groups,
		Links: map[string]linkJSON{"self": {Href: self}, "assignee": {Href: holder}, "targets": {Href: self + "/targets/groups"}}}
}

// listRoles returns all roles: a user has at most four.
func (a *API) listRoles(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	grants, user, err := a.directory.Admin.Roles(r.Context(), op, id)
	if err != nil {
		return err
	}
	out := make([]roleJSON, len(grants))
	for i, g := range grants {
		out[i] = a.role(user, g)
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) getRole(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, rid, err := roleID(r)
	if err != nil {
		return err
	}
	g, user, err := a.directory.Admin.Role(r.Context(), op, id, rid)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.role(user, g))
}

// roleID returns the ids of the user and the role assignment in the path.
func roleID(r *http.Request) (id, rid string, err error) {
	if id, err = pathID(r, "id"); err == nil {
		rid, err = pathID(r, "rid")
	}
	return id, rid, err
}

// roleBody is a role to assign.
type roleBody struct {
	Type    account.Role      `json:"type"`
	Targets []account.GroupID `json:"targets"` // specific to Barillet; absent or null: all users; [] is refused

	ID             reply.Ignored `json:"id"`
	Label          reply.Ignored `json:"label"`
	Status         reply.Ignored `json:"status"`
	Created        reply.Ignored `json:"created"`
	LastUpdated    reply.Ignored `json:"lastUpdated"`
	AssignmentType reply.Ignored `json:"assignmentType"`
	Description    reply.Ignored `json:"description"`
	Embedded       reply.Ignored `json:"_embedded"`
	Links          reply.Ignored `json:"_links"`
}

// grantRole assigns a role. The parameter disableNotifications has no effect: the user always gets a notification.
func (a *API) grantRole(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	if _, err := q.boolean("disableNotifications", false); err != nil {
		return err
	}
	var body roleBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return a.once(w, r, op, approvable(a, func(r *http.Request) (admin.AssignedRole, *approval.Approval, error) {
		return a.approvals.AssignRole(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, admin.NewRoleAssignment{Role: body.Type, Targets: body.Targets})
	}, func(x admin.AssignedRole) (int, any, any, error) {
		out := a.role(x.User, x.Assignment)
		return http.StatusCreated, out, out, nil
	}))
}

func (a *API) revokeRole(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, rid, err := roleID(r)
	if err != nil {
		return err
	}
	if err := a.directory.Admin.RevokeRole(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, rid); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// targets returns the groups of a role assignment.
func (a *API) targets(r *http.Request, op admin.Principal) ([]account.Group, error) {
	id, rid, err := roleID(r)
	if err != nil {
		return nil, err
	}
	return a.directory.Admin.Targets(r.Context(), op, id, rid)
}

// listTargets returns all groups: there are at most 32.
func (a *API) listTargets(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	groups, err := a.targets(r, op)
	if err != nil {
		return err
	}
	out := make([]groupJSON, len(groups))
	for i, g := range groups {
		out[i] = a.group(g)
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) getTarget(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	groups, err := a.targets(r, op)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if string(g.ID) == r.PathValue("gid") {
			return reply.JSON(w, http.StatusOK, a.group(g))
		}
	}
	return errcode.New(errcode.NotFound)
}

// targetFunc adds or removes a group of a role assignment, or returns the approval for which that waits.
type targetFunc func(ctx context.Context, op admin.Principal, from account.RequestInfo, id, rid string, gid account.GroupID) (*approval.Approval, error)

// removeTarget needs no approval.
func (a *API) removeTarget(ctx context.Context, op admin.Principal, from account.RequestInfo, id, rid string, gid account.GroupID) (*approval.Approval, error) {
	return nil, a.directory.Admin.RemoveTarget(ctx, op, from, id, rid, gid)
}

// target serves the calls that add and remove a group. Neither takes a body or returns one, except an approval.
func (a *API) target(do targetFunc) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
			return err
		}
		id, rid, err := roleID(r)
		if err != nil {
			return err
		}
		gid, err := pathID(r, "gid")
		if err != nil {
			return err
		}
		waits, err := do(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, rid, account.GroupID(gid))
		if err != nil {
			return err
		}
		if waits != nil {
			return reply.JSON(w, http.StatusAccepted, a.approval(*waits))
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
