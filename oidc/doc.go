// Package oidc is the OpenID Provider: the protocol endpoints, authorization requests, consent and device authorization.
//
// It does not own users, sessions or pages: package web renders its actions.
package oidc
