// Package api serves the REST API below /api/v1, and the registration of OAuth clients. It authenticates API tokens, limits
// their rate, reads and writes JSON in Okta's shapes, and replays the response of a repeated request. The packages of authn
// check the permissions of the principal, and web/reply turns errors into problem documents.
package api
