// Package reply owns how every HTTP door of the house answers: what is known of a request, the one translation
// of errors to a status, the problem document, and JSON in and out. It knows no route and no page, and decides
// nothing about people.
package reply
