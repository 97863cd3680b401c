// Package authn runs sign-ins. It owns the sign-in transaction and the decision about its next step (Next), the
// verification of passwords and devices with their limits, step-up in a session, tickets, invitations and password
// links, and the devices and password that users manage themselves.
//
// A sign-in takes these calls:
//
//  1. StartWithPassword verifies the password and stores a Transaction. AcceptInvitation and StartWithPasswordLink
//     start one from a link.
//  2. Next returns the step: verify a device, present a ticket, enrol, or request help.
//  3. Verify verifies a device. RedeemTicketCode or RedeemTicketLink binds a ticket, and authn/enrol then enrols a device.
//  4. The Update of the second step opens the session. If the password must change, ReplacePassword opens it.
//
// Each operation reads in a View, verifies outside any transaction of the store, and stores result, counters, session,
// audit event and notifications in one Update. If the user record changed meanwhile, the operation repeats
// (RetryOnConflict). docs/architecture.md describes one sign-in from request to session.
//
// Records belong to authn/account, sessions to authn/session, enrolment to authn/enrol, and the permissions of
// administrators to authn/admin. The package knows no HTTP, no pages and no kind of factor.
package authn
