package admin_test

import (
	"testing"

	"barillet/authn/authntest"
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
