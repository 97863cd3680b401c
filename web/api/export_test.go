package api

// NotImplementedPatterns returns the patterns of calls that return 501.
func NotImplementedPatterns() []string { return notImplemented }
