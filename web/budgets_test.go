package web_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"barillet/authn/authntest"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/web"
	"barillet/web/forwardauth"
)

// chargedInside says where the budgets apply that are not those of a route.
var chargedInside = map[string]string{
	"returned-codes": "return codes at protected hosts",
	"console-reads":  "`/console` and below, GET",
	"api-writes":     "REST API, except GET, DELETE and `/authn`; `/console/…`, POST",
	"api-sign-ins":   "`/authn`",
}

// TestBudgets_MatchTheDocument compares the table of budgets in docs/http.md with the routes and the declared limits.
func TestBudgets_MatchTheDocument(t *testing.T) {
	c, _ := config(t, authntest.New(t))
	c.Demo, c.ForwardAuth, c.OIDC = &mail.MemoryTransport{}, &forwardauth.Handler{}, apps(t, &c, nil)
	budgets, err := web.Budgets(c)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, q := range throttle.Quotas {
		routes := chargedInside[q.Name]
		if routes == "" {
			paths := map[string]bool{}
			for pattern, of := range budgets {
				if _, path, _ := strings.Cut(pattern, " "); of == q {
					paths["`"+path+"`"] = true
				}
			}
			routes = strings.Join(slices.Sorted(maps.Keys(paths)), ", ")
		}
		row := fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d |", q.Name, routes, q.Minute, q.Day, q.Source, q.Network(), q.Total)
		want = append(want, strings.ReplaceAll(row, " 0 ", " "))
	}
	section := regexp.MustCompile(`(?s)\n## Budgets\n.*?\n\|---\|[^\n]*\n(.*?)\n\n`).FindStringSubmatch(readFile(t, "../docs/http.md"))
	if section == nil || section[1] != strings.Join(want, "\n") {
		t.Errorf("docs/http.md has another table of budgets, want\n%s", strings.Join(want, "\n"))
	}
	for pattern, q := range budgets {
		if q.Limits() && !slices.Contains(throttle.Quotas, q) {
			t.Errorf("%s has the budget %q, which is not in throttle.Quotas", pattern, q.Name)
		}
	}
}

// Each route that can change something has a budget, also one that is added later.
func TestRouter_RefusesARouteThatWritesWithoutABudget(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a route for POST without a budget was registered")
		}
	}()
	web.RegisterWithoutBudget()
}
