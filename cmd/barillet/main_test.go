package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The environment by which the test binary learns to act as the program; the end-to-end tests set it.
const (
	programVariable = "BARILLET_TESTING_PROGRAM"
	clockVariable   = "BARILLET_TESTING_CLOCK"
)

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "1" {
		os.Exit(runAsProgram())
	}
	testscript.Main(m, map[string]func(){"barillet": func() { os.Exit(runAsProgram()) }})
}

// runAsProgram is main with a clock that tests can move.
func runAsProgram() int {
	if file := os.Getenv(clockVariable); file != "" {
		testingOnlyNow = movedClock(file)
	}
	for _, name := range []string{programVariable, clockVariable} {
		if err := os.Unsetenv(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitFailed
		}
	}
	return runMain(os.Args[1:])
}

// movedClock is the machine's clock with an offset that is read from the file at every look.
func movedClock(file string) func() time.Time {
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		offset, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			panic(err)
		}
		return time.Now().Add(offset)
	}
}
