package e2e_test

import (
	"fmt"
	"time"
)

// oktaClient is what a garage's scripts do with one of Okta's own clients, in words that all three share. Lists are
// read to their last page, in pages of so many. An error of the service is an *oktaFault.
type oktaClient interface {
	Create(p oktaPerson, password string, groups []string, activate bool) (oktaPerson, error)
	Person(idOrLogin string) (oktaPerson, error)
	People(q oktaQuery) ([]oktaPerson, error)
	Rename(id, firstName string) (oktaPerson, error)
	// Do is an act on a person that has no body and no answer: activate, suspend, unsuspend, deactivate, unlock,
	// expire_password, reset_factors; sessions ends them; delete deactivates first, and deletes the second time.
	Do(act, id string) error
	ChangePassword(id, old, fresh string) error
	PasswordLink(id string) (string, error)
	TemporaryPassword(id string) (string, error)

	CreateGroup(name string) (id string, err error)
	GroupNames(q string) ([]string, error)
	DeleteGroup(id string) error
	Member(group, person string, belongs bool) error
	Members(group string, limit int) ([]oktaPerson, error)
	GroupsOf(person string) ([]string, error)

	GiveRole(person, role string) (id string, err error)
	Roles(person string) ([]string, error)
	Target(person, role, group string, added bool) error
	Targets(person, role string) ([]string, error)
	TakeRole(person, role string) error

	Factors(person string) ([]oktaFactor, error)
	Catalogue(person string) ([]oktaFactor, error)
	Enrol(person, provider string) (oktaFactor, error)
	Activate(person, factor, code string) (status string, err error)
	Verify(person, factor, code string) (result string, err error)

	Events(filter string, since time.Time, limit int) ([]oktaEvent, error)

	// Absent makes one call each of what the service does not offer, by name.
	Absent(person, factor, group string) map[string]error
}

// oktaPerson is what a script looks at.
type oktaPerson struct {
	ID, Status, Login, FirstName string
	Badge                        string // a member of the profile that is the garage's own
	Created                      time.Time
}

type oktaQuery struct {
	Q, Filter, Search string
	Limit             int
}

type oktaFactor struct {
	ID, Type, Provider, Status string
	Secret                     string // base32, when it is enrolled
}

type oktaEvent struct {
	ID, Type, Outcome, Actor string
	Targets                  []string
	At                       time.Time
}

// oktaFault is an error as a client reports it. Members that it could not read are empty.
type oktaFault struct {
	Status        int
	Code, Summary string
}

func (f *oktaFault) Error() string { return fmt.Sprintf("%d %s %s", f.Status, f.Code, f.Summary) }
