package admin

import "testing"

// LimitToOwner is limitToOwner for its test.
var LimitToOwner = limitToOwner

// SetMaxMerged changes maxMerged for one test.
func SetMaxMerged(t *testing.T, n int) {
	old := maxMerged
	maxMerged = n
	t.Cleanup(func() { maxMerged = old })
}
