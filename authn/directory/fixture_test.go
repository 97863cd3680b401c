package directory_test

import (
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

const password = authntest.Password

// env is a garage with the steps of the tests of this package.
type env struct {
	*authntest.Garage
	users int // number of users that newUser created
}

func newEnv(t *testing.T) *env {
	t.Helper()
	return &env{Garage: authntest.NewGarage(t)}
}

// calledBack is an identity check that needs no name.
var calledBack = &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}
