// Package apidocs owns the description of the REST API: the OpenAPI 3.1 document, which is written by hand in
// source/, one file an area, and what the pages of the reference show of it. It knows no HTTP and calls nothing;
// web/api serves the document, web the pages. A test in web/api holds every answer against it.
package apidocs
