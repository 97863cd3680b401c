// Package selfservice serves the pages on which users manage their own account: devices, copies, recovery codes,
// sessions, applications, password, and step-up. It also serves enrolment, which can be part of a sign-in. A handler
// reads a form, calls one method of authn, authn/enrol or authn/session, and renders the result.
package selfservice
