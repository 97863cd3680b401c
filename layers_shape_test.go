package barillet_test

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
)

const (
	fileLines     = 400
	functionLines = 60
	packageLines  = 3000
)

// large lists what is over a limit and stays so, with the reason. The key is
// a file, a package or FILE#FUNCTION. An entry that is no longer needed is a
// breach too.
var large = map[string]string{
	"authn": "one record and one dispatcher: sign-in, tickets, enrolment and sessions judge the same unexported state; " +
		"cut apart, the rules of docs/protocol.md would have to be exported to each other",
	"authn/helpdesk": "one judgement of who may do what to whom (operator.go), which every act asks and which nothing outside can ask: " +
		"cut apart, acts, ranks and scopes would be exported, and an act could be done without them",
	"web/api": "one table of calls, a file each: they share the reading of queries and bodies, paging and the keeping of answers, " +
		"which nobody else needs",
	"cmd/barillet/manage":      "one table of commands, a file each: they share one way to call the service and one way to print, which nobody else needs",
	"web/api/routes.go#routes": "a list: one line a call, which is read as one",
	"web": "one front door: every page shares the visitor, the cookies and the way in which errors become pages; " +
		"what stands without them has rooms of its own (web/api, web/gate)",
}

// tops are the folders that may hold Go files.
var tops = []string{"cmd", "authn", "factors", "store", "templates", "static", "web", "oidc", "internal", "e2e"}

// vague names say nothing about what is inside.
var vague = []string{"types", "type", "const", "consts", "constants", "helper", "helpers", "util", "utils",
	"common", "misc", "interfaces"}

// sizes finds files, functions and packages over their limit.
func sizes(h *house) (breaches []string) {
	used, packages := map[string]bool{}, map[string]int{}
	judge := func(what string, lines, limit int) {
		switch {
		case lines <= limit:
		case large[what] != "":
			used[what] = true
		default:
			breaches = append(breaches, fmt.Sprintf("%s has %d lines, more than %d", what, lines, limit))
		}
	}
	for _, f := range h.files {
		if f.test || f.generated {
			continue
		}
		packages[f.room] += f.lines()
		judge(f.path, f.lines(), fileLines)
		for _, declared := range f.syntax.Decls {
			if function, is := declared.(*ast.FuncDecl); is {
				from, to := f.fset.Position(function.Pos()).Line, f.fset.Position(function.End()).Line
				judge(f.path+"#"+function.Name.Name, to-from+1, functionLines)
			}
		}
	}
	for _, room := range slices.Sorted(maps.Keys(packages)) {
		judge(room, packages[room], packageLines)
	}
	for _, what := range slices.Sorted(maps.Keys(large)) {
		if !used[what] {
			breaches = append(breaches, fmt.Sprintf("%s is excepted and need not be", what))
		}
	}
	return breaches
}

// names finds files and packages with a name that says nothing, and folders
// that the design does not know.
func names(h *house) (breaches []string) {
	for _, f := range h.files {
		stem := path.Base(f.path[:len(f.path)-len(".go")])
		if slices.Contains(vague, stem) {
			breaches = append(breaches, f.path+": the name says nothing about what is inside")
		}
		if room := path.Base(f.room); slices.Contains(vague, room) || room == "model" || room == "models" {
			breaches = append(breaches, f.path+": the package's name says nothing about what it owns")
		}
	}
	for _, top := range h.tops {
		if !slices.Contains(tops, top) {
			breaches = append(breaches, top+": the design has no such folder")
		}
	}
	return breaches
}

// comments finds packages that do not say what they own, and those that say
// it twice.
func comments(h *house) (breaches []string) {
	said := map[string]int{}
	for _, f := range h.files {
		if f.room == "." || path.Ext(f.path) != ".go" || f.syntax.Name.Name == path.Base(f.room)+"_test" {
			continue
		}
		if f.syntax.Doc != nil {
			said[f.room]++
		} else {
			said[f.room] += 0
		}
	}
	for _, room := range slices.Sorted(maps.Keys(said)) {
		if said[room] != 1 {
			breaches = append(breaches, fmt.Sprintf("%s has %d package comments, not one", room, said[room]))
		}
	}
	return breaches
}

// endToEnd finds anything but tests and a package comment in e2e.
func endToEnd(h *house) (breaches []string) {
	for _, f := range h.files {
		if f.room == "e2e" && path.Base(f.path) != "doc.go" && path.Ext(f.path) == ".go" && !isTest(f.path) {
			breaches = append(breaches, f.path+": e2e holds tests and doc.go, nothing else")
		}
	}
	return breaches
}

func isTest(name string) bool {
	match, err := path.Match("*_test.go", path.Base(name))
	return err == nil && match
}
