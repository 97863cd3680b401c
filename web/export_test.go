package web

import (
	"net/http"

	"barillet/internal/throttle"
	"barillet/web/site"
)

// Budgets are the budgets of the routes that a Config gives.
func Budgets(c Config) (map[string]throttle.Quota, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	s.routes()
	return s.budgets, nil
}

// RegisterWithoutBudget registers a form without a budget.
func RegisterWithoutBudget() {
	(&site.Site{}).NewRouter().Page("POST /new", func(http.ResponseWriter, *http.Request) error { return nil })
}

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
