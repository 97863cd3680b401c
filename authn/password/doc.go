// Package password validates, hashes and verifies passwords.
//
// It owns the password policy, the list of blocked passwords, the format of stored hashes, and the pool that limits the
// memory of hashing. It does not know users: the caller stores the hash and counts failures.
package password
