// Package account stores users and groups, and the changes to them.
//
// It owns the records of users, sessions, links and groups, their indexes, and the rules of one record: which devices are
// usable, how many there may be, where a password and a ticket come from. It owns Operation and Tx too. An Operation is
// one request or background task with its time and its randomness. A Tx is one change of the store, with the audit events
// and the emails that the change causes.
//
// It does not own the flows that change these records. Sign-in, step-up, tickets and links belong to authn, sessions to
// authn/session, enrolment to authn/enrol, and permissions of administrators to authn/admin.
package account
