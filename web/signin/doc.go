// Package signin serves the pages before a session: sign-in, second factor, tickets, invitations, password links, and
// help. A handler reads a form, calls one method of authn or authn/helpdesk, and renders the result.
package signin
