// Package console serves the pages on which administrators work: help requests, people, garages, roles, tokens,
// applications and email. Its principal is the user of the session. Each operation calls the function that the REST API
// calls, with the same permissions, budgets and events. The package owns no rule.
package console
