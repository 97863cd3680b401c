// Package site renders the pages of the service. It owns the visitor of a request, the cookies, the reading of forms, the
// messages for errors, and the page on which a sign-in continues. It has no pages of its own: the packages signin,
// selfservice and web register theirs with a Router.
package site
