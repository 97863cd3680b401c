// Package templates owns every word and every page that a person reads: the page structs, their html/template files, the
// mails, and the catalogues of messages in each language. It does not own the style sheet, scripts and icons served
// beside them (package static), decides nothing, and knows no store, no HTTP and no clock.
package templates
