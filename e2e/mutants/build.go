package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// chosen is the environment variable that chooses a mutant of a test binary by its id. Without it all functions are
// those of the tree.
const chosen = "BARILLET_MUTANT"

// writeOverlay writes the overlay of all mutants to a directory, and returns its file. It gives each function with mutants a
// variant for each, and a switch between them. All test binaries share it, so that the go command compiles each package once
// for all of them, and not at all if nothing changed since an earlier run.
func writeOverlay(root string, mutants []mutant, dir string) (overlay string, err error) {
	files := map[string][]mutant{}
	for _, m := range mutants {
		files[m.file] = append(files[m.file], m)
	}
	replace, n := map[string]string{}, 0
	add := func(file string, text []byte) error {
		at, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return err
		}
		n++
		replace[at] = filepath.Join(dir, fmt.Sprintf("%d.go", n))
		return os.WriteFile(replace[at], text, 0o600)
	}
	for file, of := range files {
		text, name, err := variants(file, of)
		if err != nil {
			return "", err
		}
		state := fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar mutantChosen = os.Getenv(%q)\n", name, chosen)
		if err := add(file, text); err != nil {
			return "", err
		}
		if err := add(path.Join(path.Dir(file), "mutant_chosen.go"), []byte(state)); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// build compiles the tests of a package with the mutants of an overlay into one binary: compiling takes much longer than a
// test.
func build(ctx context.Context, temp temporary, root, pkg, overlay string) (binary string, err error) {
	binary = filepath.Join(temp.disk, "mutants.test")
	cmd := temp.command(ctx, root, "go", "test", "-c", "-o", binary, "-ldflags=-s -w", "-overlay="+overlay, "./"+pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the mutants of %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// variants returns a source file in which each function with mutants has a variant for each, and the name of its package.
func variants(file string, mutants []mutant) (text []byte, pkg string, err error) {
	source := mutants[0].source
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	offset := func(at token.Pos) int { return fset.Position(at).Offset }
	byFunc := map[*ast.FuncDecl][]mutant{}
	for _, m := range mutants {
		f := functionAt(syntax, offset, m.at)
		if f == nil || m.at < offset(f.Body.Pos()) {
			return nil, "", fmt.Errorf("%s: %q is not in the body of a function", m.place(), m.old)
		}
		if !slices.ContainsFunc(byFunc[f], func(other mutant) bool { return other.id == m.id }) {
			byFunc[f] = append(byFunc[f], m)
		}
	}
	var out bytes.Buffer
	last := 0
	for _, decl := range syntax.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || byFunc[f] == nil {
			continue
		}
		w := writer{&out, source, offset, f}
		out.Write(source[last:offset(f.Pos())])
		w.dispatch(byFunc[f])
		w.variant("", mutant{})
		for _, m := range byFunc[f] {
			w.variant(m.id, m)
		}
		last = offset(f.End())
	}
	out.Write(source[last:])
	return out.Bytes(), syntax.Name.Name, nil
}

// functionAt returns the function that contains an offset; nil if there is none.
func functionAt(syntax *ast.File, offset func(token.Pos) int, at int) *ast.FuncDecl {
	for _, decl := range syntax.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && offset(f.Pos()) <= at && at < offset(f.End()) {
			return f
		}
	}
	return nil
}

// writer writes the variants of a function.
type writer struct {
	out    *bytes.Buffer
	source []byte
	offset func(token.Pos) int
	f      *ast.FuncDecl
}

func (w *writer) text(n ast.Node) string {
	return string(w.source[w.offset(n.Pos()):w.offset(n.End())])
}

func (w *writer) name(id string) string { return "mutant" + id + "Of" + w.f.Name.Name }

// dispatch writes the function itself: it calls the variant of the chosen mutant, or the original.
func (w *writer) dispatch(mutants []mutant) {
	f := w.f
	head, call := "func ", ""
	if f.Recv != nil {
		head += "(mutantReceiver " + w.text(f.Recv.List[0].Type) + ") "
		call = "mutantReceiver."
	}
	head += f.Name.Name
	types := ""
	if f.Type.TypeParams != nil {
		head += w.text(f.Type.TypeParams)
		var names []string
		for _, field := range f.Type.TypeParams.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
		types = "[" + strings.Join(names, ", ") + "]"
	}
	var params, args []string
	for _, field := range f.Type.Params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		for range max(1, len(field.Names)) {
			name := fmt.Sprintf("mutantArg%d", len(params))
			params = append(params, name+" "+w.text(field.Type))
			if variadic {
				name += "..."
			}
			args = append(args, name)
		}
	}
	head += "(" + strings.Join(params, ", ") + ") "
	result, back := "", ""
	if f.Type.Results != nil {
		result, back = w.text(f.Type.Results)+" ", "return "
	}
	fmt.Fprintf(w.out, "%s%s{\n\tswitch mutantChosen {\n", head, result)
	list := strings.Join(args, ", ")
	for _, m := range mutants {
		fmt.Fprintf(w.out, "\tcase %q:\n\t\t%s%s%s%s(%s)\n", m.id, back, call, w.name(m.id), types, list)
	}
	fmt.Fprintf(w.out, "\tdefault:\n\t\t%s%s%s%s(%s)\n\t}\n}\n\n", back, call, w.name(""), types, list)
}

// variant writes the function under another name, with the wrong form of a mutant.
func (w *writer) variant(id string, m mutant) {
	from, to, name := w.offset(w.f.Pos()), w.offset(w.f.End()), w.offset(w.f.Name.Pos())
	w.out.Write(w.source[from:name])
	w.out.WriteString(w.name(id))
	rest := name + len(w.f.Name.Name)
	if id != "" {
		w.out.Write(w.source[rest:m.at])
		w.out.WriteString(m.new)
		rest = m.at + len(m.old)
	}
	w.out.Write(w.source[rest:to])
	w.out.WriteString("\n\n")
}

// packages returns the mutants by the package of their test, in the order of the packages.
func packages(all []mutant) [][]mutant {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b mutant) int { return cmp.Compare(a.pkg, b.pkg) })
	var out [][]mutant
	for _, m := range sorted {
		if n := len(out); n > 0 && out[n-1][0].pkg == m.pkg {
			out[n-1] = append(out[n-1], m)
		} else {
			out = append(out, []mutant{m})
		}
	}
	return out
}
