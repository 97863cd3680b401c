// Package web composes the HTTP service: the routes, the middleware, the pages of applications and of protected hosts,
// the API description, and the probes of a load balancer. Packages signin and selfservice register the other pages. The
// REST API is package web/api, which Config mounts as a handler.
//
// GET changes nothing, with the exceptions that docs/http.md lists: a page that asks for a security key stores a new
// challenge, and browsers send authorization requests with GET.
package web
