package api

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/web/reply"
)

// listMembers lists the users of a group.
func (a *API) listMembers(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	var people roster.UserQuery
	if people.Limit, people.After, err = q.paging(); err != nil {
		return err
	}
	if !isCursor(people.After) {
		return badParameter("after")
	}
	gid, err := pathID(r, "gid")
	if err != nil {
		return err
	}
	found, next, err := a.directory.Members(r.Context(), op, account.GroupID(gid), people)
	if err != nil {
		return pageError(err)
	}
	return a.users(w, r, q, found, next)
}

// listGroupsOf lists the groups of a user.
func (a *API) listGroupsOf(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]account.Group, string, error) {
		id, err := pathID(r, "id")
		if err != nil {
			return nil, "", err
		}
		return a.directory.GroupsOf(r.Context(), op, id, account.GroupQuery{After: p.after, Limit: p.limit})
	}, a.group)
}

// membership serves the calls that add and remove a member. Neither takes a body, and both can be repeated.
func (a *API) membership(do func(ctx context.Context, op admin.Principal, req account.RequestInfo, gid account.GroupID, id string) error) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
			return err
		}
		gid, err := pathID(r, "gid")
		if err != nil {
			return err
		}
		uid, err := pathID(r, "uid")
		if err != nil {
			return err
		}
		if err := do(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), account.GroupID(gid), uid); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
