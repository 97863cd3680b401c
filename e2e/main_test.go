package e2e_test

import (
	"fmt"
	"os"
	"testing"
)

// The environment by which a test binary learns to act as the program.
const (
	programVariable = "BARILLET_TESTING_PROGRAM"
	clockVariable   = "BARILLET_TESTING_CLOCK"
)

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "1" {
		os.Exit(standIn(os.Args[1:], os.Stderr))
	}
	code := m.Run()
	if built.folder != "" {
		if err := os.RemoveAll(built.folder); err != nil {
			fmt.Fprintln(os.Stderr, "removing the built program:", err)
		}
	}
	os.Exit(code)
}
