package barillet_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"testing"
)

// administration lists the packages with operations for a Principal, the lowest level first.
var administration = []string{"authn/admin", "authn/helpdesk", "authn/directory", "authn/approval"}

// checks lists the functions that return an error if the role, the group scope or the permissions of a principal do not
// suffice. Other functions, such as FindUser and RequireUnscoped, check a principal by calling one of these.
var checks = []string{"Authorize", "Require", "RequireSignIn"}

// unchecked lists the exported functions with a Principal that need no check, and why.
var unchecked = map[string]string{
	"PeerAdministrators":   "it selects the recipients of a notification about an operation that the caller checked",
	"Approvers":            "it selects the recipients of a notification about a request that the caller checked",
	"ResetRecipients":      "it selects the recipients of a notification about a reset that the caller checked",
	"NotifySuperAdmins":    "it notifies about an operation that the caller checked",
	"OpenInvitedElsewhere": "it opens a help request about an invitation that the caller checked",
	"Decides":              "it says which decisions a page offers; Approve and Reject check the principal",
	"PlaceholderOf":        "it selects a user of the scope, which the caller checked",
}

// TestOperations_CheckTheirPrincipal requires that each exported function with a Principal as an argument refers to a
// check, directly or through functions of the administration packages. It does not show that the check precedes the
// operation or asks for the right permission; the tests of each operation do.
func TestOperations_CheckTheirPrincipal(t *testing.T) {
	operations, references := readOperations(t)
	if len(operations) == 0 {
		t.Fatal("no exported function has a Principal as an argument")
	}
	exceptions := map[string]bool{}
	for _, operation := range operations {
		exceptions[operation.Name()] = true
		checked := refersToCheck(operation, references, map[*types.Func]bool{})
		switch reason := unchecked[operation.Name()]; {
		case !checked && reason == "":
			t.Errorf("%s does not check its principal", operation.FullName())
		case checked && reason != "":
			t.Errorf("%s checks its principal: remove the exception", operation.FullName())
		}
	}
	for name := range unchecked {
		if !exceptions[name] {
			t.Errorf("no operation has the name %s: remove the exception", name)
		}
	}
}

// refersToCheck reports whether f is a check, or refers to one through functions that are not in seen.
func refersToCheck(f *types.Func, references map[*types.Func][]*types.Func, seen map[*types.Func]bool) bool {
	if seen[f] {
		return false
	}
	seen[f] = true
	return slices.Contains(checks, f.Name()) || slices.ContainsFunc(references[f], func(next *types.Func) bool {
		return refersToCheck(next, references, seen)
	})
}

// readOperations returns the exported functions with a Principal as an argument, and for each function of the
// administration packages the functions of these packages to which it refers.
func readOperations(t *testing.T) (operations []*types.Func, references map[*types.Func][]*types.Func) {
	t.Helper()
	var fset *token.FileSet
	files := map[string][]*ast.File{}
	for _, s := range readSources(t) {
		if fset = s.fset; !s.test {
			files[s.pkg] = append(files[s.pkg], s.syntax)
		}
	}
	references = map[*types.Func][]*types.Func{}
	packages := typedPackages{}
	for _, pkg := range administration {
		info := types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
		// Names of other packages are unknown, and the errors about them are expected.
		config := types.Config{Importer: packages, Error: func(error) {}}
		packages["barillet/"+pkg], _ = config.Check("barillet/"+pkg, fset, files[pkg], &info)
		for _, file := range files[pkg] {
			for _, declared := range file.Decls {
				declaration, is := declared.(*ast.FuncDecl)
				if !is {
					continue
				}
				from := info.Defs[declaration.Name].(*types.Func)
				if from.Exported() && takesPrincipal(from) {
					operations = append(operations, from)
				}
				ast.Inspect(declaration, func(node ast.Node) bool {
					if name, is := node.(*ast.Ident); is {
						if to, is := info.Uses[name].(*types.Func); is {
							references[from] = append(references[from], to.Origin())
						}
					}
					return true
				})
			}
		}
	}
	return operations, references
}

// takesPrincipal reports whether an argument of f is a Principal or a pointer to one.
func takesPrincipal(f *types.Func) bool {
	for argument := range f.Signature().Params().Variables() {
		of := types.Unalias(argument.Type())
		if pointer, is := of.(*types.Pointer); is {
			of = types.Unalias(pointer.Elem())
		}
		if named, is := of.(*types.Named); is && named.Obj().Name() == "Principal" {
			return true
		}
	}
	return false
}

// typedPackages holds the checked packages by path. It imports every other package as an empty one.
type typedPackages map[string]*types.Package

// Import implements types.Importer.
func (p typedPackages) Import(target string) (*types.Package, error) {
	if known := p[target]; known != nil {
		return known, nil
	}
	empty := types.NewPackage(target, path.Base(target))
	empty.MarkComplete()
	return empty, nil
}
