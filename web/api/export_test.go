package api

// NotImplementedPatterns are the patterns of what Okta has and Barillet does not.
func NotImplementedPatterns() []string { return notImplemented }
