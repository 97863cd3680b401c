package barillet_test

import (
	"os"
	"testing"
)

// rules are what the house asks of its own source; docs/design.md, The
// floors, gives the reasons.
var rules = []struct {
	name  string
	check func(*house) []string
}{
	{"every package stands on a floor", homeless},
	{"an import goes to a lower floor", upward},
	{"only the wiring and tests name a store back-end or a factor kind", naming},
	{"a third-party module has one importing package", crowded},
	{"standard packages stay in the rooms that have business with them", strayImports},
	{"HTTP servers stay in web, oidc and cmd", servers},
	{"outgoing HTTP stays in internal/outbound", callers},
	{"the clock is read in cmd only", clocks},
	{"there are no init functions", initialisers},
	{"no test skips itself", skips},
	{"a note to ourselves has a number", notes},
	{"files, functions and packages are small", sizes},
	{"names say what is inside", names},
	{"every package says once what it owns", comments},
	{"e2e holds tests only", endToEnd},
}

func TestTheHouseKeepsItsOwnRules(t *testing.T) {
	h, err := readHouse(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, breach := range rule.check(h) {
				t.Error(breach)
			}
		})
	}
}
