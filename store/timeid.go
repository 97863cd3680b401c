package store

import (
	"crypto/rand"
	"strings"
	"time"
)

// TimeLayout formats the UTC time at the start of a record id. Its width is fixed, so ids sort by time.
const TimeLayout = "20060102T150405.000000000Z"

// NewTimeID returns the id of a record that is kept in the order of time: now, then 130 random bits. Call it before
// the Update that stores the record, so that a second run of the closure uses the same id.
func NewTimeID(now time.Time) string {
	return now.UTC().Format(TimeLayout) + "-" + strings.ToLower(rand.Text())
}
