// Package token stores authorization codes, grants, tokens and consents. It issues tokens for codes and refresh tokens, checks a
// token at every use against the user's account and session, revokes tokens, and sends logout tokens.
//
// It does not authenticate clients and speaks no HTTP. Package oidc decides when a code is issued.
package token
