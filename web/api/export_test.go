package api

// Absent are the patterns of what Okta has and Barillet does not.
func Absent() []string { return notImplemented }
