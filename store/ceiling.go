package store

// Ceiling is the largest number of records that a table has: Records for each of Per, Clients for each client, and Fixed for the
// store. A test or a simulation compares it with storetest.Count. A number of a rate-limited table follows from the rate and the
// lifetime: a Limit counts its rate over the lifetime, and as much again after a pause.
type Ceiling struct {
	Records int
	Per     Scope // empty only without Records
	Clients int
	Fixed   int
}

// Scope is what a ceiling is for. Only principals with a role create users, groups, clients, API tokens and webhooks, so that
// their own tables grow only by what administrators do.
type Scope string

// The scopes of ceilings.
const (
	PerUser    Scope = "user"
	PerGroup   Scope = "group"
	PerClient  Scope = "client"
	PerToken   Scope = "API token"
	PerWebhook Scope = "webhook"
	PerSession Scope = "session"
	PerGrant   Scope = "grant"
)

// Of returns the number for a store with so many of each scope.
func (c Ceiling) Of(population map[Scope]int) int {
	return c.Fixed + c.Records*population[c.Per] + c.Clients*population[PerClient]
}

// Sweep is how the records of a table end.
type Sweep string

// How records end. A table with several names the one that ends what is left.
const (
	ByAdministrator Sweep = "an administrator deletes them"
	ByExpiry        Sweep = "a background job deletes the expired ones"
	ByDelivery      Sweep = "the sender deletes what is delivered, and a background job dead letters by policy"
	ByPolicy        Sweep = "a background job applies the retention policy"
	WithUser        Sweep = "they end with the user"
	WithGroup       Sweep = "they end with the group"
	WithEvent       Sweep = "they end with the audit event"
	ByReplacement   Sweep = "never: the number of keys is fixed, and a new value replaces the old one"
)
