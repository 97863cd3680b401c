// Package token stores authorization codes, grants, tokens and consents. It issues tokens for codes and refresh tokens,
// revokes tokens, and sends logout tokens. Each use of a token is checked against the user's account and session.
//
// It does not authenticate clients and speaks no HTTP. Package oidc decides when a code is issued.
package token
