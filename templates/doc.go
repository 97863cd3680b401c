// Package templates renders the pages and composes the emails. It contains a struct and an html/template file for each
// page, and a catalogue of sentences for each language. Package static serves the style sheets, scripts and icons.
// Templates uses no store, no HTTP and no clock.
package templates
