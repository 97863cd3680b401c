// Package systemlog defines the JSON of audit events in the shape of Okta's System Log, and the filters on it. It does not
// read the audit log, and it does not serve requests.
package systemlog
