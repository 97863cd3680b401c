// Package api owns what programs call: the REST API below /api/v1, in the shapes of Okta's management API for
// what both have. It reads and writes JSON, authenticates tokens and limits them; what an operator may do is
// judged by authn/helpdesk, and errors become answers in web/reply.
package api
