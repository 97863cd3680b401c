package barillet_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// module is the path of this module: an import below it is one of ours.
const module = "barillet"

// sourceFile is one parsed Go file of the house.
type sourceFile struct {
	path      string // slash separated, from the root
	room      string // the package's folder, "." for the root
	test      bool   // a _test.go file, or a file of a package that exists for tests alone
	generated bool
	fset      *token.FileSet
	syntax    *ast.File
}

// testRooms are packages that only tests import; their files count as tests.
var testRooms = []string{"store/storetest", "factors/factortest", "authn/authntest", "e2e"}

// house is everything that the rules look at.
type house struct {
	files   []*sourceFile
	modules []string // the third-party modules of go.mod
	tops    []string // folders at the root that hold Go files
}

// readHouse parses every Go file below root. Folders that the go command
// ignores are ignored here too, so that a copy of a dependency inside e2e's
// node_modules is nobody's breach.
func readHouse(root fs.FS) (*house, error) {
	h := &house{}
	mod, err := fs.ReadFile(root, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("reading the list of modules: %w", err)
	}
	h.modules = requiredModules(string(mod))
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && ignoredFolder(entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := readSource(root, name)
		if err != nil {
			return err
		}
		h.files = append(h.files, file)
		if top, _, below := strings.Cut(name, "/"); below && !slices.Contains(h.tops, top) {
			h.tops = append(h.tops, top)
		}
		return nil
	})
	return h, err
}

func ignoredFolder(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		slices.Contains([]string{"testdata", "node_modules", "bin"}, name)
}

func readSource(root fs.FS, name string) (*sourceFile, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, fmt.Errorf("reading source: %w", err)
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing source: %w", err)
	}
	room := path.Dir(name)
	return &sourceFile{
		path: name, room: room, fset: fset, syntax: syntax,
		test:      strings.HasSuffix(name, "_test.go") || slices.Contains(testRooms, room),
		generated: ast.IsGenerated(syntax),
	}, nil
}

// requiredModules reads the require lines of a go.mod, block or single.
func requiredModules(mod string) []string {
	var found []string
	block := false
	for line := range strings.Lines(mod) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "require" && fields[1] == "(":
			block = true
		case len(fields) == 1 && fields[0] == ")":
			block = false
		case len(fields) >= 3 && fields[0] == "require":
			found = append(found, fields[1])
		case block && len(fields) >= 2:
			found = append(found, fields[0])
		}
	}
	return found
}

// imports are the paths that a file imports, each with the name that the file
// knows the package by.
func (f *sourceFile) imports() map[string]string {
	named := map[string]string{}
	for _, spec := range f.syntax.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		named[target] = path.Base(target)
		if spec.Name != nil {
			named[target] = spec.Name.Name
		}
	}
	return named
}

// ours gives the room of an import of this module.
func ours(target string) (room string, is bool) {
	return strings.CutPrefix(target, module+"/")
}

// at names a place the way editors understand.
func (f *sourceFile) at(node ast.Node) string {
	position := f.fset.Position(node.Pos())
	return fmt.Sprintf("%s:%d", f.path, position.Line)
}

// lines is the length of the file.
func (f *sourceFile) lines() int {
	return f.fset.File(f.syntax.FileStart).LineCount()
}
