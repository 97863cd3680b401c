// Package handover owns the handing over of a code (protocol rule 9): a user whose phone is lost stands before an administrator, and
// a witness confirms it in a session of their own. It owns the sign-ins that wait for a code with their two digits, the choice of a
// witness, and the code that is shown once. It does not own the reset itself (authn/helpdesk), tickets and sign-ins (authn), or HTTP.
//
// A handover takes these calls:
//
//  1. Wait makes a sign-in whose password is proven wait. Its page shows the digits of Waiting.
//  2. Begin, in the session of the administrator, names the witness, who gets an email.
//  3. Confirm, in the session of the witness, has the digits that the witness reads on the page of the user.
//  4. Complete resets the user and returns the code, which only the sign-in with these digits accepts.
package handover
