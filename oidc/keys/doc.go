// Package keys stores the signing keys of the OpenID Provider, rotates them, and signs and verifies tokens with them.
//
// It does not know what a token says, and has no keys of clients: package client has.
package keys
