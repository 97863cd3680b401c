package web

import (
	"net/http"
)

// Patterns are the routes that a Config gives.
func Patterns(c Config) ([]string, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	s.routes()
	return s.patterns, nil
}

// LocalPath, LoggedPath and ReadForm are the parsers of what comes from outside.
func LocalPath(next string) (string, bool) { return localPath(next) }

func LoggedPath(path string) string { return loggedPath(path) }

func ReadForm(r *http.Request, names ...string) (map[string]string, error) {
	return readForm(r, names...)
}
