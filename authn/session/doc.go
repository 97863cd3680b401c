// Package session stores sessions, known browsers and forward-auth sessions.
//
// It opens, checks, lists, rotates and ends sessions, and it records their last use in memory, so that a check never waits
// for a write. It owns known browsers, and return codes, which carry a sign-in to a protected host.
//
// It does not own the account.Session record, which the flows of step-up and enrolment use too, nor the sign-in that opens a
// session: that is authn. The sessions of a suspended or reset user are ended by account.
package session
