// Package apidocs composes the OpenAPI 3.1 description of the REST API from the files in source, and the pages that show it.
// It does not serve them: web/api serves the document, and web the pages. A test of web/api compares each response with it.
package apidocs
