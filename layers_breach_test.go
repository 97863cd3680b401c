package barillet_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// sound is a small house that breaks no rule; each case below adds a file to
// it that does.
var sound = map[string]string{
	"go.mod": "module barillet\n\nrequire (\n\texample.org/lib v1.0.0\n\tgolang.org/x/sync v0.1.0 // indirect\n)\n",
	"cmd/barillet/main.go": `// Command barillet wires.
package main

import (
	"net/http"
	"time"

	"barillet/factors/totp"
	"barillet/store/bolt"
	"barillet/web"
)

var now, client, server = time.Now, http.Client{}, http.Server{}
`,
	"web/web.go":               "// Package web serves.\npackage web\n\nimport (\n\t\"net/http\"\n\n\t\"barillet/authn\"\n\t\"golang.org/x/sync/errgroup\"\n)\n\nvar mux = http.NewServeMux()\n",
	"authn/authn.go":           "// Package authn decides.\npackage authn\n\nimport (\n\t\"barillet/factors\"\n\t\"barillet/internal/audit\"\n\t\"golang.org/x/sync/errgroup\"\n)\n",
	"internal/audit/log.go":    "// Package audit appends.\npackage audit\n\nimport \"barillet/store\"\n",
	"factors/factors.go":       "// Package factors says what a factor is.\npackage factors\n",
	"factors/totp/totp.go":     "// Package totp counts.\npackage totp\n\nimport (\n\t\"barillet/factors\"\n\t\"example.org/lib/code\"\n)\n\n// TODO(#12): more.\n",
	"store/store.go":           "// Package store keeps.\npackage store\n",
	"store/bolt/bolt.go":       "// Package bolt keeps in a file.\npackage bolt\n\nimport \"barillet/store\"\n",
	"store/bolt/bolt_test.go":  "package bolt_test\n\nimport (\n\t\"example.org/lib/other\"\n\t\"net/http\"\n\t\"time\"\n\n\t\"barillet/store/storetest\"\n)\n\nvar now = time.Now\nvar client = http.Client{}\n",
	"store/storetest/suite.go": "// Package storetest judges back-ends.\npackage storetest\n\nimport \"testing\"\n",
	"e2e/doc.go":               "// Package e2e drives the program.\npackage e2e\n",
	"e2e/node_modules/a/a.go":  "this is not ours and not even Go",
}

func TestASoundHouseBreaksNoRule(t *testing.T) {
	if got := breachesOf(t, nil); len(got) != 0 {
		t.Errorf("got breaches %q, want none", got)
	}
}

func TestEachBreachIsCaught(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"a package without a floor":            {"billing/pay.go", "// Package billing bills.\npackage billing\n", "stands on no floor"},
		"a subfolder of a named room":          {"web/extra/x.go", "// Package extra is more.\npackage extra\n", "stands on no floor"},
		"a folder that the design lacks":       {"pkg/x_test.go", "package pkg\n", "no such folder"},
		"an import upward":                     {"store/up.go", "package store\n\nimport \"barillet/authn\"\n", "which is not below it"},
		"an import sideways":                   {"internal/throttle/m.go", "// Package throttle counts.\npackage throttle\n\nimport \"barillet/internal/audit\"\n", "which is not below it"},
		"an import of the wiring":              {"web/w.go", "package web\n\nimport \"barillet/cmd/barillet\"\n", "which is not below it"},
		"a domain that names a back-end":       {"authn/b.go", "package authn\n\nimport \"barillet/store/bolt\"\n", "only cmd/barillet and tests may"},
		"a page that names a factor kind":      {"web/f.go", "package web\n\nimport \"barillet/factors/totp\"\n", "only cmd/barillet and tests may"},
		"a program that imports a test suite":  {"cmd/barillet/s.go", "package main\n\nimport \"barillet/store/storetest\"\n", "which is for tests"},
		"a second importer of a module":        {"web/lib.go", "package web\n\nimport \"example.org/lib\"\n", "more than one importing package: factors/totp, web"},
		"a module that go.mod does not hold":   {"web/lib.go", "package web\n\nimport \"example.org/stray\"\n", "which no module of go.mod holds"},
		"HTTP below the doors":                 {"authn/h.go", "package authn\n\nimport \"net/http\"\n", "may not import net/http"},
		"a server in the one way out":          {"internal/outbound/s.go", "// Package outbound calls.\npackage outbound\n\nimport \"net/http\"\n\nvar s http.Server\n", "http.Server outside"},
		"a server below the doors, renamed":    {"authn/h.go", "package authn\n\nimport h \"net/http\"\n\nvar s = h.ListenAndServe\n", "http.ListenAndServe outside"},
		"a call out from a page":               {"web/c.go", "package web\n\nimport \"net/http\"\n\nvar get = http.Get\n", "http.Get outside"},
		"a guessable random number":            {"authn/r.go", "package authn\n\nimport \"math/rand/v2\"\n", "may not import math/rand/v2"},
		"a page that escapes nothing":          {"web/t.go", "package web\n\nimport \"text/template\"\n", "may not import text/template"},
		"the clock read in the domain":         {"authn/t.go", "package authn\n\nimport \"time\"\n\nvar now = time.Now\n", "time.Now outside cmd"},
		"the clock read by another name":       {"authn/t.go", "package authn\n\nimport clock \"time\"\n\nvar ago = clock.Since\n", "time.Since outside cmd"},
		"an init function":                     {"web/i.go", "package web\n\nfunc init() {}\n", "func init"},
		"a skipped test":                       {"web/x_test.go", "package web_test\n\nfunc TestX(t *testing.T) { t.Skip(\"no browser\") }\n", "t.Skip"},
		"a test that is off when in a hurry":   {"web/x_test.go", "package web_test\n\nimport \"testing\"\n\nvar short = testing.Short()\n", "testing.Short"},
		"a skip inside a suite":                {"store/storetest/x.go", "package storetest\n\nfunc x(t *testing.T) { t.SkipNow() }\n", "t.SkipNow"},
		"a naked TODO":                         {"web/n.go", "package web\n\n// TODO: later\n", "a TODO without its number"},
		"a long file":                          {"web/l.go", "package web\n" + strings.Repeat("\n", 400), "web/l.go has 401 lines"},
		"a long function":                      {"web/l.go", "package web\n\nfunc long() {\n" + strings.Repeat("\t_ = 1\n", 59) + "}\n", "web/l.go#long has 61 lines"},
		"a file that could hold anything":      {"web/helpers.go", "package web\n", "the name says nothing"},
		"a package that could hold anything":   {"internal/model/m.go", "// Package model models.\npackage model\n", "the package's name says nothing"},
		"a package that says nothing":          {"internal/mail/m.go", "package mail\n", "has 0 package comments"},
		"a package that says it twice":         {"web/doc.go", "// Package web serves again.\npackage web\n", "has 2 package comments"},
		"production code among the end-to-end": {"e2e/helper.go", "package e2e\n", "e2e holds tests and doc.go"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(breachesOf(t, map[string]string{c.file: c.text}), "\n")
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want a breach that says %q", got, c.want)
			}
		})
	}
}

func TestAPackageGrownTooLargeIsCaught(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		files["web/"+name+".go"] = "package web\n" + strings.Repeat("\n", 390)
	}
	got := strings.Join(breachesOf(t, files), "\n")
	if want := "web has 31"; !strings.Contains(got, want) {
		t.Errorf("got %q, want a breach that says %q", got, want)
	}
}

func TestAnExceptionThatIsNotNeededIsCaught(t *testing.T) {
	large["web/web.go"] = "it was long once"
	defer delete(large, "web/web.go")
	got := strings.Join(breachesOf(t, nil), "\n")
	if want := "excepted and need not be"; !strings.Contains(got, want) {
		t.Errorf("got %q, want a breach that says %q", got, want)
	}
}

// breachesOf runs every rule over the sound house with more files in it.
func breachesOf(t *testing.T, more map[string]string) (breaches []string) {
	t.Helper()
	kept := large
	large = maps.Clone(large)
	defer func() { large = kept }()
	maps.DeleteFunc(large, func(what, _ string) bool { return what != "web/web.go" })
	root := fstest.MapFS{}
	for _, files := range []map[string]string{sound, more} {
		for name, text := range files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	h, err := readHouse(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		breaches = append(breaches, rule.check(h)...)
	}
	return breaches
}
