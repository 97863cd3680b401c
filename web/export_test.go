package web

// Patterns are the routes that a Config gives.
func Patterns(c Config) ([]string, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	s.routes()
	return s.patterns, nil
}

// LoggedPath returns the path as the log contains it.
func LoggedPath(path string) string { return loggedPath(path) }
