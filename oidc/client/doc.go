// Package client stores OAuth clients: their registration, their policies, the levels of assurance that a policy requires, and
// their authentication at the endpoints.
//
// It does not decide who may register a client: the caller does. It has no tokens; package token has.
package client
