// Package web is the front door: the pages that people see, their forms, and the two addresses that a load
// balancer asks. It owns the routes, the cookies, what every answer bears (headers, language, request id), and
// where each step of a sign-in leads to. It decides nothing about people: each handler decodes, calls one use
// case of authn or authn/helpdesk, and answers. Words and markup are those of package templates; the REST API
// is package web/api, which is mounted here as a handler.
//
// GET changes nothing, with exceptions that are said in docs/http.md: a page that asks for a security key stores a
// fresh challenge, and applications have browsers bring their requests by GET.
package web
