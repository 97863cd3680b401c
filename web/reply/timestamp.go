package reply

import "time"

// timestampLayout is RFC 3339 with milliseconds, for times in UTC.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// Timestamp returns t as JSON shows it: RFC 3339, UTC, milliseconds. It returns nil for the zero time.
func Timestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(timestampLayout)
	return &s
}
