// Package scim parses the part of SCIM's filter language (RFC 7644 §3.4.2.2) that the REST API accepts. It does not know
// which attributes a resource has.
package scim
