package barillet_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// selectors calls visit with every pkg.Name that a file says, where pkg is an
// imported package.
func (f *sourceFile) selectors(visit func(node ast.Node, target, name string)) {
	byName := map[string]string{}
	for target, name := range f.imports() {
		byName[name] = target
	}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		selector, is := node.(*ast.SelectorExpr)
		if !is {
			return true
		}
		if left, plain := selector.X.(*ast.Ident); plain && byName[left.Name] != "" {
			visit(node, byName[left.Name], selector.Sel.Name)
		}
		return true
	})
}

// clocks finds whoever reads the clock outside cmd. Since and Until read it
// as Now does; timers only wait, and are allowed.
func clocks(h *house) (breaches []string) {
	for _, f := range h.files {
		if f.test || f.room == "cmd/barillet" {
			continue
		}
		f.selectors(func(node ast.Node, target, name string) {
			if target == "time" && slices.Contains([]string{"Now", "Since", "Until"}, name) {
				breaches = append(breaches, fmt.Sprintf("%s: time.%s outside cmd", f.at(node), name))
			}
		})
	}
	return breaches
}

// callers finds outgoing HTTP outside the rooms that may.
func callers(h *house) (breaches []string) {
	outgoing := []string{"Client", "DefaultClient", "Transport", "DefaultTransport",
		"Get", "Head", "Post", "PostForm", "NewRequest", "NewRequestWithContext"}
	for _, f := range h.files {
		if f.test || callsOut[f.room] != "" {
			continue
		}
		f.selectors(func(node ast.Node, target, name string) {
			if target == "net/http" && slices.Contains(outgoing, name) {
				breaches = append(breaches, fmt.Sprintf("%s: http.%s outside internal/outbound", f.at(node), name))
			}
		})
	}
	return breaches
}

// servers finds HTTP servers outside the rooms that may serve. The one way
// out may speak HTTP, but not listen.
func servers(h *house) (breaches []string) {
	serving := []string{"Server", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "NewServeMux", "DefaultServeMux"}
	for _, f := range h.files {
		if f.test || (f.room != "internal/outbound" && slices.Contains(speaksHTTP, f.room)) {
			continue
		}
		f.selectors(func(node ast.Node, target, name string) {
			if target == "net/http" && slices.Contains(serving, name) {
				breaches = append(breaches, fmt.Sprintf("%s: http.%s outside web, oidc and cmd", f.at(node), name))
			}
		})
	}
	return breaches
}

// initialisers finds init functions: wiring is in one place and visible.
func initialisers(h *house) (breaches []string) {
	for _, f := range h.files {
		for _, declared := range f.syntax.Decls {
			if function, is := declared.(*ast.FuncDecl); is && function.Recv == nil && function.Name.Name == "init" {
				breaches = append(breaches, f.at(function)+": func init")
			}
		}
	}
	return breaches
}

// skips finds tests that can pass without running: a missing tool is a
// failure that says what to install.
func skips(h *house) (breaches []string) {
	for _, f := range h.files {
		if !f.test {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			selector, is := node.(*ast.SelectorExpr)
			if !is {
				return true
			}
			left, plain := selector.X.(*ast.Ident)
			if !plain {
				return true
			}
			word := left.Name + "." + selector.Sel.Name
			if regexp.MustCompile(`^(t|b|f|tb|tt)\.(Skip|Skipf|SkipNow)$|^testing\.Short$`).MatchString(word) {
				breaches = append(breaches, fmt.Sprintf("%s: %s", f.at(node), word))
			}
			return true
		})
	}
	return breaches
}

// notes finds a TODO without the number of its issue.
func notes(h *house) (breaches []string) {
	numbered := regexp.MustCompile(`TODO\(#[0-9]+\): `)
	for _, f := range h.files {
		for _, group := range f.syntax.Comments {
			for _, comment := range group.List {
				text := strings.TrimLeft(comment.Text, "/* \t")
				if strings.HasPrefix(text, "TODO") && !numbered.MatchString(text) {
					breaches = append(breaches, f.at(comment)+": a TODO without its number")
				}
			}
		}
	}
	return breaches
}
