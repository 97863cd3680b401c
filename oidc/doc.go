// Package oidc owns what applications get: the OpenID Provider. It keeps the clients, the requests under way, codes,
// grants, tokens and signing keys, and judges each token at every use against the person as they stand. It is an
// adaptor around zitadel/oidc's op package: that one reads requests, knows the grants and writes answers; whatever
// it leaves to its caller is decided here (docs/adr/0009-zitadel-oidc.md lists what).
//
// It does not own people, sessions or pages: it asks for people through the interface People, and tells package web
// where a browser goes next.
package oidc
