package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mutant is a wrong form of a guard, and the test that must fail for it.
type mutant struct {
	file     string // path in the module
	in       string // the function or method, such as "Service.Verify", that contains the text; "": the file contains it once
	old, new string
	pkg      string // directory of the test
	run      string // pattern of -run
	why      string
	hangs    bool   // a test that does not end counts as caught
	id       string // hash of the file, the function and both texts: it stays if the lists change
	at       int    // offset of old in the file
	source   []byte
}

func (m mutant) place() string {
	if m.in == "" {
		return m.file
	}
	return m.file + " " + m.in
}

// readLists reads the lists of a module in the order of their paths, and finds each text in its file.
func readLists(root string) (all []mutant, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if err == nil && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != root) {
				return fs.SkipDir
			}
			return err
		}
		if entry.Name() != "mutants.txt" || filepath.Base(filepath.Dir(name)) != "testdata" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(filepath.Dir(name)))
		if err != nil {
			return err
		}
		list, err := parseList(filepath.ToSlash(rel), string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for i := range list {
			if err := list[i].find(root); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		all = append(all, list...)
		return nil
	})
	for i, m := range all {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", m.file, m.in, m.old, m.new))
		all[i].id = hex.EncodeToString(sum[:6])
	}
	return all, err
}

// parseList parses the list of a package. A blank line separates mutants; a line that begins with # is a comment.
func parseList(dir, text string) (all []mutant, err error) {
	for block := range strings.SplitSeq(text, "\n\n") {
		m, lines := mutant{pkg: dir}, 0
		for line := range strings.SplitSeq(strings.Trim(block, "\n"), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			lines++
			key, value, _ := strings.Cut(line, " ")
			switch key {
			case "-":
				m.old += value + "\n"
			case "+":
				m.new += value + "\n"
			case "why":
				m.why = value
			case "file":
				m.file, m.in, _ = strings.Cut(value, " ")
				m.file = path.Join(dir, m.file)
			case "test":
				if pkg, run, ok := strings.Cut(value, " "); ok {
					m.pkg, m.run = path.Clean(path.Join(dir, pkg)), run
				} else {
					m.run = value
				}
			case "hangs":
				m.hangs = true
			default:
				return nil, fmt.Errorf("unknown line %q", line)
			}
		}
		m.old, m.new = strings.TrimSuffix(m.old, "\n"), strings.TrimSuffix(m.new, "\n")
		switch {
		case lines == 0:
		case m.why == "" || m.file == "" || m.run == "" || m.old == "" || m.old == m.new:
			return nil, fmt.Errorf("incomplete: %q", block)
		default:
			all = append(all, m)
		}
	}
	return all, nil
}

// find reads the file and finds the text, which must be there exactly once.
func (m *mutant) find(root string) (err error) {
	if m.source, err = os.ReadFile(filepath.Join(root, m.file)); err != nil {
		return err
	}
	from, to := 0, len(m.source)
	if m.in != "" {
		if from, to, err = function(m.file, m.source, m.in); err != nil {
			return err
		}
	}
	text := string(m.source[from:to])
	if n := strings.Count(text, m.old); n != 1 {
		return fmt.Errorf("%s has %q %d times, want once", m.place(), m.old, n)
	}
	m.at = from + strings.Index(text, m.old)
	return nil
}

// function returns the offsets of a function, or of a method named Type.Method.
func function(file string, source []byte, name string) (from, to int, err error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return 0, 0, err
	}
	for _, decl := range syntax.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		full := f.Name.Name
		if f.Recv != nil {
			full = typeName(f.Recv.List[0].Type) + "." + full
		}
		if full == name {
			return fset.Position(f.Pos()).Offset, fset.Position(f.End()).Offset, nil
		}
	}
	return 0, 0, fmt.Errorf("%s has no function %s", file, name)
}

// typeName returns the name of the type of a receiver.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
