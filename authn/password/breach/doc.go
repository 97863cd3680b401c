// Package breach owns the file that answers whether a password appeared in a data breach. Import makes it from a list of SHA-1
// hashes, and File looks passwords up. The format is described in docs/adr/0019-breached-passwords.md. The package does not decide
// what a password must be: authn/password does.
package breach
