// Package errcode defines the error codes of the service, and the Error that carries one.
//
// It owns the codes and the reasons, not their presentation: web/reply maps a code to an HTTP status and to a problem
// document, and the message catalogues of templates contain the sentences.
package errcode
