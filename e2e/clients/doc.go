// Package clients is the root of a module of its own: clients of OpenID Connect that the tests of e2e build and run
// unmodified, and small programs around client libraries. Their dependencies stay out of the product's module.
//
// cli signs in at a terminal with golang.org/x/oauth2. kubernetes judges tokens with the authenticator of the Kubernetes
// API server. oauth2-proxy is a tool of the module.
package clients
