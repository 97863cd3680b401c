package api

import (
	"bytes"
	"net/http"
	"time"

	"barillet/web/apidocs"
	"barillet/web/reply"
)

// descriptionPath is the path of the OpenAPI document. It requires no token: the document contains nothing about this
// service except its public URL, and tools read it before they have a token.
const descriptionPath = "/api/v1/openapi.json"

// serveDescription serves the document. It changes only with the program, so clients revalidate it by ETag (RFC 9110
// §13.1.2).
func serveDescription(docs func() (*apidocs.Document, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d, err := docs()
		if err != nil {
			reply.Problem(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", d.ETag())
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.JSON()))
	}
}

// notImplemented lists the calls of Okta that Barillet does not implement; docs/okta.md gives the reasons. They return
// 501 instead of 404, because programs for Okta take 404 as the absence of an object, and then delete or recreate it.
var notImplemented = []string{
	"GET /api/v1/users/{id}/factors/questions",
	"/api/v1/users/{id}/factors/{fid}/resend",
	"/api/v1/users/{id}/factors/{fid}/transactions/{rest...}",
	"/api/v1/users/{id}/subscriptions", "/api/v1/users/{id}/subscriptions/{rest...}",
	"/api/v1/users/{id}/linkedObjects/{rest...}",
	"/api/v1/users/{id}/credentials/change_recovery_question",
	"/api/v1/users/{id}/credentials/forgot_password",
	"/api/v1/users/{id}/credentials/forgot_password_recovery_question",
	"/api/v1/users/{id}/appLinks",
	"/api/v1/users/{id}/authenticator-enrollments", "/api/v1/users/{id}/authenticator-enrollments/{rest...}",
	"/api/v1/users/{id}/blocks",
	"/api/v1/users/{id}/classification",
	"/api/v1/users/{id}/clients", "/api/v1/users/{id}/clients/{rest...}",
	"/api/v1/users/{id}/devices",
	"/api/v1/users/{id}/grants", "/api/v1/users/{id}/grants/{rest...}",
	"/api/v1/users/{id}/idps",
	"/api/v1/users/{id}/lifecycle/delete_sessions",
	"/api/v1/users/{id}/risk",
	"/api/v1/users/{id}/roles/{rid}/governance", "/api/v1/users/{id}/roles/{rid}/governance/{rest...}",
	"/api/v1/users/{id}/roles/{rid}/targets", "/api/v1/users/{id}/roles/{rid}/targets/catalog/{rest...}",
	"GET /api/v1/groups/rules", "POST /api/v1/groups/rules",
	"/api/v1/groups/{gid}/apps", "/api/v1/groups/{gid}/owners", "/api/v1/groups/{gid}/owners/{rest...}",
	"/api/v1/groups/{gid}/roles", "/api/v1/groups/{gid}/roles/{rest...}",
	"/api/v1/agentPools", "/api/v1/agentPools/{rest...}",
	"/api/v1/apps", "/api/v1/apps/{rest...}",
	"/api/v1/authenticators", "/api/v1/authenticators/{rest...}",
	"/api/v1/authorizationServers", "/api/v1/authorizationServers/{rest...}",
	"/api/v1/behaviors", "/api/v1/behaviors/{rest...}",
	"/api/v1/brands", "/api/v1/brands/{rest...}",
	"/api/v1/captchas", "/api/v1/captchas/{rest...}",
	"/api/v1/devices", "/api/v1/devices/{rest...}",
	"/api/v1/device-assurances", "/api/v1/device-assurances/{rest...}",
	"/api/v1/device-integrations", "/api/v1/device-integrations/{rest...}",
	"/api/v1/device-posture-checks", "/api/v1/device-posture-checks/{rest...}",
	"/api/v1/domains", "/api/v1/domains/{rest...}",
	"/api/v1/directories/{rest...}",
	"/api/v1/dr", "/api/v1/dr/{rest...}",
	"/api/v1/email-domains", "/api/v1/email-domains/{rest...}",
	"/api/v1/email-servers", "/api/v1/email-servers/{rest...}",
	"/api/v1/eventHooks", "/api/v1/eventHooks/{rest...}",
	"/api/v1/features", "/api/v1/features/{rest...}",
	"/api/v1/first-party-app-settings", "/api/v1/first-party-app-settings/{rest...}",
	"/api/v1/hook-keys", "/api/v1/hook-keys/{rest...}",
	"/api/v1/iam/{rest...}",
	"/api/v1/idps", "/api/v1/idps/{rest...}",
	"/api/v1/identity-sources", "/api/v1/identity-sources/{rest...}",
	"/api/v1/inlineHooks", "/api/v1/inlineHooks/{rest...}",
	"/api/v1/logStreams", "/api/v1/logStreams/{rest...}",
	"/api/v1/mappings", "/api/v1/mappings/{rest...}",
	"/api/v1/meta/{rest...}",
	"/api/v1/org", "/api/v1/org/{rest...}", "/api/v1/orgs",
	"/api/v1/operations", "/api/v1/operations/{rest...}",
	"/api/v1/policies", "/api/v1/policies/{rest...}",
	"/api/v1/principal-rate-limits", "/api/v1/principal-rate-limits/{rest...}",
	"/api/v1/push-providers", "/api/v1/push-providers/{rest...}",
	"/api/v1/rate-limit-settings", "/api/v1/rate-limit-settings/{rest...}",
	"/api/v1/realm-assignments", "/api/v1/realm-assignments/{rest...}",
	"/api/v1/realms", "/api/v1/realms/{rest...}",
	"/api/v1/risk", "/api/v1/risk/{rest...}",
	"/api/v1/roles", "/api/v1/roles/{rest...}",
	"/api/v1/security-events-providers", "/api/v1/security-events-providers/{rest...}",
	"/api/v1/sessions", "/api/v1/sessions/{rest...}",
	"/api/v1/ssf", "/api/v1/ssf/{rest...}",
	"/api/v1/telephony-providers", "/api/v1/telephony-providers/{rest...}",
	"/api/v1/templates/{rest...}",
	"/api/v1/threats/{rest...}",
	"/api/v1/trustedOrigins", "/api/v1/trustedOrigins/{rest...}",
	"/api/v1/zones", "/api/v1/zones/{rest...}",
}

// serveNotImplemented requires no token, as an unknown path requires none.
func serveNotImplemented(w http.ResponseWriter, r *http.Request) {
	reply.Problem(w, r, &reply.HTTPError{Status: http.StatusNotImplemented, Kind: reply.KindNotImplemented})
}
