package helpdesk_test

import (
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

const password = authntest.Password

// env is a garage with the steps of the tests of this package.
type env struct {
	*authntest.Garage
}

func newEnv(t *testing.T) *env {
	t.Helper()
	return &env{Garage: authntest.NewGarage(t)}
}

// inPerson is the identity check of a user who is present.
var inPerson = &helpdesk.IdentityCheck{Method: helpdesk.IdentityInPerson, By: "Karim"}

// calledBack is an identity check that needs no name.
var calledBack = &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}
