// Package authn owns who a person is and what they have proven: users, passwords, the login under way,
// second factors, enrolment, tickets, sessions and fresh proof. Each act is one method of Service: it reads in
// a View, judges outside any transaction, and stores outcome, counters, session, audit event and mail in one
// Update (docs/design.md, "One login, end to end"). It knows no HTTP, no page, no store back-end and no kind of
// factor. What an operator does to somebody else belongs to authn/helpdesk.
package authn
