package api

import "barillet/authn/helpdesk"

// route is one call, by a pattern of http.ServeMux.
type route struct {
	pattern string
	serve   handler
}

// routes are all there are. Each asks for a token, or comes by the socket or the closed folder.
func (a *API) routes() []route {
	return []route{
		{"GET /api/v1/users", a.listUsers},
		{"POST /api/v1/users", a.createUser},
		{"POST /api/v1/imports", a.importPeople},
		{"GET /api/v1/users/{id}", a.getUser},
		{"POST /api/v1/users/{id}", a.updateUser},
		{"PUT /api/v1/users/{id}", a.replaceUser},
		{"DELETE /api/v1/users/{id}", a.deleteUser},
		{"POST /api/v1/users/{id}/lifecycle/activate", a.invite((*helpdesk.Desk).Activate)},
		{"POST /api/v1/users/{id}/lifecycle/reactivate", a.invite((*helpdesk.Desk).Reactivate)},
		{"POST /api/v1/users/{id}/lifecycle/suspend", a.lifecycle((*helpdesk.Desk).Suspend)},
		{"POST /api/v1/users/{id}/lifecycle/unsuspend", a.lifecycle((*helpdesk.Desk).Unsuspend)},
		{"POST /api/v1/users/{id}/lifecycle/deactivate", a.lifecycle((*helpdesk.Desk).Deactivate)},
		{"POST /api/v1/users/{id}/lifecycle/unlock", a.lifecycle((*helpdesk.Desk).Unlock)},
		{"POST /api/v1/users/{id}/lifecycle/reset_password", a.resetPassword},
		{"POST /api/v1/users/{id}/lifecycle/reset_factors", a.resetFactors},
		{"GET /api/v1/users/{id}/sessions", a.listSessions},
		{"DELETE /api/v1/users/{id}/sessions", a.endSessions},
		{"GET /api/v1/users/{id}/factors", a.listFactors},
		{"GET /api/v1/users/{id}/factors/{fid}", a.getFactor},
		{"DELETE /api/v1/users/{id}/factors/{fid}", a.deleteFactor},
		{"GET /api/v1/groups", a.listGroups},
		{"POST /api/v1/groups", a.createGroup},
		{"GET /api/v1/groups/{gid}", a.getGroup},
		{"PUT /api/v1/groups/{gid}", a.replaceGroup},
		{"DELETE /api/v1/groups/{gid}", a.deleteGroup},
		{"GET /api/v1/groups/{gid}/users", a.listMembers},
		{"PUT /api/v1/groups/{gid}/users/{uid}", a.membership((*helpdesk.Desk).AddMember)},
		{"DELETE /api/v1/groups/{gid}/users/{uid}", a.membership((*helpdesk.Desk).RemoveMember)},
		{"GET /api/v1/users/{id}/groups", a.listGroupsOf},
		{"GET /api/v1/help-requests", a.listHelpRequests},
		{"GET /api/v1/help-requests/{hid}", a.getHelpRequest},
		{"PATCH /api/v1/help-requests/{hid}", a.patchHelpRequest},
		{"GET /api/v1/api-tokens", a.listTokens},
		{"POST /api/v1/api-tokens", a.createToken},
		{"DELETE /api/v1/api-tokens/{tid}", a.revokeToken},
		{"GET /api/v1/logs", a.listEvents},
	}
}
