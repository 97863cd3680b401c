// Package apidocs contains the OpenAPI 3.1 description of the REST API, and makes the pages that show it. A test composes the
// description from the files in source, so that the program needs no YAML. The package does not serve them: web/api serves the document, and web the pages. A test of web/api compares each response with it.
package apidocs
