package admin

import "testing"

// LimitToOwner is limitToOwner for its test.
var LimitToOwner = limitToOwner

// SetMaxMerged changes maxMerged and maxSought for one test.
func SetMaxMerged(t *testing.T, merged, sought int) {
	oldMerged, oldSought := maxMerged, maxSought
	maxMerged, maxSought = merged, sought
	t.Cleanup(func() { maxMerged, maxSought = oldMerged, oldSought })
}
