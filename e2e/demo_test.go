package e2e_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDemo_PrintedSetupKeySignsIn(t *testing.T) {
	t.Parallel()
	before := time.Now()
	program := Serve(t, Options{Own: true, Args: []string{"serve", "--demo", "--listen", "localhost:0"}})
	program.said.await(0, "add a setup key", program.exited)
	said := program.said.String()
	printed := func(what string) string {
		found := regexp.MustCompile(`(?s)Karim Benali,.*?\n  ` + what + ` +([^\n]+)`).FindStringSubmatch(said)
		if found == nil {
			t.Fatalf("no %s is printed for Karim Benali, but:\n%s", what, said)
		}
		return found[1]
	}

	// The step in which the program started is the one that a quick newcomer's app shows.
	visitor := (&Env{Program: program, tb: t}).Visitor(t)
	visitor.Post("/login", "identifier", printed("login"), "password", printed("password")).want(t, "/login/factor")
	visitor.Post("/login/factor", "code", TOTP(t, strings.ReplaceAll(printed("setup key for an app"), " ", ""), before)).want(t, "/account")
}
