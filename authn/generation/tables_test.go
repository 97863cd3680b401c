package generation

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"barillet/store"
)

func TestTables_EachHasADecision(t *testing.T) {
	for _, table := range store.TableDefs() {
		if ended[table.Prefix] == kept[table.Prefix] {
			t.Errorf("table %s: ended %t, kept %t, want one of them", table.Prefix, ended[table.Prefix], kept[table.Prefix])
		}
	}
}

func TestDecisions_EachActionHasOne(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/audit/actions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]bool{}
	for _, group := range file.Decls[:2] { // the actions, and those on clients
		for _, spec := range group.(*ast.GenDecl).Specs {
			literal := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit)
			action, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			actions[action] = true
		}
	}
	for action := range actions {
		d, is := decisions[action]
		if !is || d.why == "" && d.user == nil && d.all == nil {
			t.Errorf("action %s has no decision: what must a restored store end after such an event?", action)
		}
	}
	if len(actions) < 100 || len(decisions) != len(actions) {
		t.Errorf("%d decisions about %d actions", len(decisions), len(actions))
	}
}
