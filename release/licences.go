package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// licences returns NOTICE with the licence texts of Go and of every module in a program of the release. Each module must be in
// NOTICE, which a test of the repository keeps true.
func (r *release) licences(notice string) ([]byte, error) {
	var modules []string
	for _, t := range r.targets {
		for _, m := range t.info.Deps {
			if m.Replace != nil {
				return nil, fmt.Errorf("module %s is replaced", m.Path)
			}
			if name := m.Path + "@" + m.Version; !slices.Contains(modules, name) {
				modules = append(modules, name)
			}
		}
	}
	slices.Sort(modules)
	var b strings.Builder
	b.WriteString(notice)
	goroot, err := output(exec.Command("go", "env", "GOROOT"))
	if err != nil {
		return nil, err
	}
	if err := appendTexts(&b, "Go's standard library", strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	for _, name := range modules {
		path, _, _ := strings.Cut(name, "@")
		if !strings.Contains(notice, "\n"+path+" ") {
			return nil, fmt.Errorf("NOTICE does not name %s", path)
		}
		c := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path)
		c.Dir = r.source
		dir, err := output(c)
		if err != nil {
			return nil, err
		}
		if err := appendTexts(&b, name, strings.TrimSpace(string(dir))); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

// appendTexts appends the licence files of a directory.
func appendTexts(b *strings.Builder, name, dir string) error {
	found := false
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "License*", "COPYING*", "LICENSES/*", "NOTICE*", "PATENTS*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.IsDir() {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			found = found || !strings.HasPrefix(pattern, "NOTICE") && !strings.HasPrefix(pattern, "PATENTS")
			fmt.Fprintf(b, "\n%s\n%s, %s\n\n%s\n", strings.Repeat("-", 79), name, filepath.Base(file), strings.TrimSpace(string(text)))
		}
	}
	if !found {
		return fmt.Errorf("%s has no licence in %s", name, dir)
	}
	return nil
}
