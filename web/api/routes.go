package api

import (
	"net/http"
)

// route is a call with its pattern of http.ServeMux.
type route struct {
	pattern string
	serve   handler
}

// routes returns all routes. Each requires a token, the admin socket or offline mode.
func (a *API) routes() []route {
	return []route{
		{"GET /api/v1/users", a.listUsers},
		{"POST /api/v1/users", a.createUser},
		{"POST /api/v1/imports", a.importUsers},
		{"GET /api/v1/users/{id}", a.getUser},
		{"POST /api/v1/users/{id}", a.updateUser},
		{"PUT /api/v1/users/{id}", a.replaceUser},
		{"DELETE /api/v1/users/{id}", a.deleteUser},
		{"POST /api/v1/users/{id}/lifecycle/activate", a.invite(a.directory.Activate)},
		{"POST /api/v1/users/{id}/lifecycle/reactivate", a.invite(a.directory.Reactivate)},
		{"POST /api/v1/users/{id}/lifecycle/suspend", a.lifecycle(a.directory.Suspend)},
		{"POST /api/v1/users/{id}/lifecycle/unsuspend", a.lifecycle(a.directory.Unsuspend)},
		{"POST /api/v1/users/{id}/lifecycle/deactivate", a.lifecycle(a.directory.Deactivate)},
		{"POST /api/v1/users/{id}/lifecycle/unlock", a.lifecycle(a.directory.Unlock)},
		{"POST /api/v1/users/{id}/lifecycle/reset_password", a.resetPassword},
		{"POST /api/v1/users/{id}/lifecycle/expire_password", a.expirePassword(false)},
		{"POST /api/v1/users/{id}/lifecycle/expire_password_with_temp_password", a.expirePassword(true)},
		{"POST /api/v1/users/{id}/lifecycle/reset_factors", a.resetFactors},
		{"POST /api/v1/users/{id}/credentials/change_password", a.changePassword},
		{"GET /api/v1/users/{id}/sessions", a.listSessions},
		{"DELETE /api/v1/users/{id}/sessions", a.endSessions},
		{"GET /api/v1/users/{id}/factors", a.listFactors},
		{"POST /api/v1/users/{id}/factors", a.enrolFactor},
		{"GET /api/v1/users/{id}/factors/catalog", a.listSupported},
		{"POST /api/v1/users/{id}/factors/{fid}/lifecycle/activate", a.activateFactor},
		{"POST /api/v1/users/{id}/factors/{fid}/verify", a.verifyFactor},
		{"GET /api/v1/users/{id}/factors/{fid}/qr", a.getQR},
		{"GET /api/v1/users/{id}/factors/{fid}", a.getFactor},
		{"DELETE /api/v1/users/{id}/factors/{fid}", a.deleteFactor},
		{"GET /api/v1/groups", a.listGroups},
		{"POST /api/v1/groups", a.createGroup},
		{"GET /api/v1/groups/{gid}", a.getGroup},
		{"PUT /api/v1/groups/{gid}", a.replaceGroup},
		{"DELETE /api/v1/groups/{gid}", a.deleteGroup},
		{"GET /api/v1/groups/{gid}/users", a.listMembers},
		{"PUT /api/v1/groups/{gid}/users/{uid}", a.membership(a.directory.AddMember)},
		{"DELETE /api/v1/groups/{gid}/users/{uid}", a.membership(a.directory.RemoveMember)},
		{"GET /api/v1/users/{id}/groups", a.listGroupsOf},
		{"GET /api/v1/users/{id}/roles", a.listRoles},
		{"POST /api/v1/users/{id}/roles", a.grantRole},
		{"GET /api/v1/users/{id}/roles/{rid}", a.getRole},
		{"DELETE /api/v1/users/{id}/roles/{rid}", a.revokeRole},
		{"GET /api/v1/users/{id}/roles/{rid}/targets/groups", a.listTargets},
		{"GET /api/v1/users/{id}/roles/{rid}/targets/groups/{gid}", a.getTarget},
		{"PUT /api/v1/users/{id}/roles/{rid}/targets/groups/{gid}", a.target(a.directory.Admin.AddTarget)},
		{"DELETE /api/v1/users/{id}/roles/{rid}/targets/groups/{gid}", a.target(a.directory.Admin.RemoveTarget)},
		{"GET /api/v1/reset-approvals", a.listApprovals},
		{"GET /api/v1/reset-approvals/{aid}", a.getApproval},
		{"POST /api/v1/reset-approvals/{aid}", a.approve},
		{"DELETE /api/v1/reset-approvals/{aid}", a.rejectApproval},
		{"GET /api/v1/help-requests", a.listHelpRequests},
		{"GET /api/v1/help-requests/{hid}", a.getHelpRequest},
		{"PATCH /api/v1/help-requests/{hid}", a.patchHelpRequest},
		{"POST /api/v1/help-requests/{hid}/notes", a.addNote},
		{"GET /api/v1/reports/lockout-risk", a.lockoutRisk},
		{"GET /api/v1/api-tokens", a.listTokens},
		{"POST /api/v1/api-tokens", a.createToken},
		{"DELETE /api/v1/api-tokens/{tid}", a.revokeToken},
		{"GET /api/v1/logs", a.listEvents},
		{"GET /api/v1/logs/head", a.logHead},
		{"GET /api/v1/logs/{eid}/proof", a.proveEvent},
		{"POST /api/v1/logs/verify", a.verifyLog},
		{"POST /api/v1/authn", a.startSignIn},
		{"POST /api/v1/authn/factors/{fid}/verify", a.signInCode},
		{"POST /api/v1/authn/cancel", a.cancelSignIn},
		{"GET /api/v1/webhooks", a.listWebhooks},
		{"POST /api/v1/webhooks", a.createWebhook},
		{"GET /api/v1/webhooks/{wid}", a.getWebhook},
		{"PUT /api/v1/webhooks/{wid}", a.replaceWebhook},
		{"DELETE /api/v1/webhooks/{wid}", a.deleteWebhook},
		{"POST /api/v1/webhooks/{wid}/test", a.onWebhook(http.StatusAccepted, a.testWebhook)},
		{"POST /api/v1/webhooks/{wid}/rotate", a.onWebhook(http.StatusOK, a.rotateWebhook)},
		{"GET /api/v1/webhooks/{wid}/deliveries", a.listDeliveries},
	}
}
