package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/input"
	"barillet/web/reply"
)

// groupJSON is a group in Okta's shape.
type groupJSON struct {
	ID          account.GroupID     `json:"id"`
	Created     *string             `json:"created"`
	LastUpdated *string             `json:"lastUpdated"`
	ObjectClass []string            `json:"objectClass"`
	Type        string              `json:"type"`
	Profile     groupProfileJSON    `json:"profile"`
	Links       map[string]linkJSON `json:"_links"`
}

type groupProfileJSON struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func (a *API) group(g account.Group) groupJSON {
	return groupJSON{ID: g.ID, Created: reply.Timestamp(g.Created), LastUpdated: reply.Timestamp(g.Changed),
		ObjectClass: []string{"okta:user_group"}, Type: "OKTA_GROUP",
		Profile: groupProfileJSON{Name: g.Name, Description: g.Description},
		Links: map[string]linkJSON{"self": {Href: a.publicURL + "/api/v1/groups/" + string(g.ID)},
			"users": {Href: a.publicURL + "/api/v1/groups/" + string(g.ID) + "/users"}}}
}

func (a *API) listGroups(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]account.Group, string, error) {
		starts := input.Trim(p.text("q"))
		if len(starts) > 256 {
			return nil, "", badParameter("q")
		}
		return a.directory.Groups(r.Context(), op, account.GroupQuery{Prefix: starts, After: p.after, Limit: p.limit})
	}, a.group)
}

func (a *API) getGroup(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	gid, err := pathID(r, "gid")
	if err != nil {
		return err
	}
	g, err := a.directory.Group(r.Context(), op, account.GroupID(gid))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.group(g))
}

// groupBody is a group in a request, in Okta's model.
type groupBody struct {
	Profile groupProfileJSON `json:"profile"`

	ID                    reply.Ignored `json:"id"`
	Created               reply.Ignored `json:"created"`
	LastUpdated           reply.Ignored `json:"lastUpdated"`
	LastMembershipUpdated reply.Ignored `json:"lastMembershipUpdated"`
	ObjectClass           reply.Ignored `json:"objectClass"`
	Type                  reply.Ignored `json:"type"`
	Embedded              reply.Ignored `json:"_embedded"`
	Links                 reply.Ignored `json:"_links"`
}

func (a *API) createGroup(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body groupBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (account.Group, error) {
		return a.directory.CreateGroup(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), body.Profile.Name, body.Profile.Description)
	}, func(g account.Group) (status int, shown, kept any, err error) {
		return http.StatusOK, a.group(g), a.group(g), nil
	}))
}

// replaceGroup replaces name and description, as Okta's update does.
func (a *API) replaceGroup(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body groupBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	gid, err := pathID(r, "gid")
	if err != nil {
		return err
	}
	g, err := a.directory.UpdateGroup(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), account.GroupID(gid), body.Profile.Name, body.Profile.Description)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.group(g))
}

func (a *API) deleteGroup(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	gid, err := pathID(r, "gid")
	if err != nil {
		return err
	}
	if err := a.directory.DeleteGroup(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), account.GroupID(gid)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
