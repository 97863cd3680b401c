package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The environment variables that make the test binary run as the program. The end-to-end tests set them.
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

// runAsProgram is like main, with a clock that tests can move.
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

// movedClock returns a clock with an offset, which it reads from the file at each call. A process without a free descriptor keeps the
// last offset: the clock of the released program needs none.
func movedClock(file string) func() time.Time {
	var last atomic.Int64
	return func() time.Time {
		text, err := os.ReadFile(file)
		if errors.Is(err, syscall.EMFILE) {
			return time.Now().Add(time.Duration(last.Load()))
		}
		if err != nil {
			panic(err)
		}
		offset, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			panic(err)
		}
		last.Store(int64(offset))
		return time.Now().Add(offset)
	}
}
