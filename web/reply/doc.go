// Package reply contains what all HTTP endpoints share: what is known about a request, the translation of errors to a status, the
// problem document, and strict JSON. It knows no routes and no pages.
package reply
