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
	printed := func(who, what string) string {
		found := regexp.MustCompile(`(?s)` + who + `,.*?\n  ` + what + ` +([^\n]+)`).FindStringSubmatch(said)
		if found == nil {
			t.Fatalf("no %s is printed for %s, but:\n%s", what, who, said)
		}
		return found[1]
	}

	// The step in which the program started is the one that a quick newcomer's app shows.
	for _, who := range []string{"Karim Benali", "Jeanne Martin"} {
		visitor := (&Env{Program: program, tb: t}).Visitor(t)
		visitor.Post("/login", "identifier", printed(who, "login"), "password", printed(who, "password")).want(t, "/login/factor")
		visitor.Post("/login/factor", "code", TOTP(t, strings.ReplaceAll(printed(who, "setup key for an app"), " ", ""), before)).want(t, "/account")
		queue := visitor.Get("/console/requests")
		if administers := who == "Jeanne Martin"; queue.Says("Marc Leroy") != administers {
			t.Errorf("%s: the console shows the help request: %t, want %t", who, !administers, administers)
		}
	}
}
