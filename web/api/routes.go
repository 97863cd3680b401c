package api

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
		{"GET /api/v1/users/{id}", a.getUser},
		{"POST /api/v1/users/{id}", a.updateUser},
		{"PUT /api/v1/users/{id}", a.replaceUser},
		{"POST /api/v1/users/{id}/lifecycle/activate", a.activateUser},
		{"POST /api/v1/users/{id}/lifecycle/reset_factors", a.resetFactors},
		{"GET /api/v1/users/{id}/factors", a.listFactors},
		{"GET /api/v1/users/{id}/factors/{fid}", a.getFactor},
		{"DELETE /api/v1/users/{id}/factors/{fid}", a.deleteFactor},
		{"GET /api/v1/groups", a.listGroups},
		{"POST /api/v1/groups", a.createGroup},
		{"GET /api/v1/groups/{gid}", a.getGroup},
		{"GET /api/v1/help-requests", a.listHelpRequests},
		{"GET /api/v1/help-requests/{hid}", a.getHelpRequest},
		{"PATCH /api/v1/help-requests/{hid}", a.patchHelpRequest},
		{"GET /api/v1/api-tokens", a.listTokens},
		{"POST /api/v1/api-tokens", a.createToken},
		{"DELETE /api/v1/api-tokens/{tid}", a.revokeToken},
		{"GET /api/v1/logs", a.listEvents},
	}
}
