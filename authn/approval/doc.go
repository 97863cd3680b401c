// Package approval owns the operations that one administrator asks for and a second one approves (protocol rule 11): the reset of an
// equal, a role or a further group of one, and other addresses or numbers of a user in use. It does not own these operations
// (authn/helpdesk, authn/admin and authn/directory), which refuse an administrator without the consent of another, or HTTP.
package approval
