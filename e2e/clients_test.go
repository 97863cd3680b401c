package e2e_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builds holds how each program of e2e/clients is built, once a run.
var builds sync.Map // by package: func() error

// clientProgram builds a package of the module in e2e/clients, which keeps its dependencies out of the product's module,
// or of a module that it requires.
func clientProgram(tb testing.TB, name, pkg string) string {
	tb.Helper()
	executable(tb) // makes the folder
	file := filepath.Join(built.folder, name)
	build, _ := builds.LoadOrStore(pkg, sync.OnceValue(func() error {
		out, err := exec.Command("go", "build", "-C", "clients", "-o", file, pkg).CombinedOutput()
		if err != nil {
			return errors.New(err.Error() + "\n" + string(out))
		}
		return nil
	}))
	if err := build.(func() error)(); err != nil {
		tb.Fatalf("building %s: %v", pkg, err)
	}
	return file
}
