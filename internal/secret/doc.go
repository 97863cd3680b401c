// Package secret defines Value, the type of bearer secrets such as session cookies, link tokens and short codes.
//
// It makes, compares and hashes values, and it keeps them out of logs and errors. It does not store them: a record is kept
// under the hash of its secret.
package secret
