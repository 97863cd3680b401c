// Package oidc is the OpenID Provider: its HTTP endpoints, authorization requests, consent, device authorization and logout
// requests. It answers a browser with an Action, which package web renders, and a client with JSON.
//
// It does not own clients, signing keys or tokens: packages client, keys and token below it do. It has no pages, and reads
// users and sessions through package authn.
package oidc
