package barillet_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// licences are those that may be linked into the program, each with a phrase
// that its text holds and, where another licence shares that phrase, one that
// it lacks.
var licences = []struct{ name, has, lacks string }{
	{"Apache-2.0", "apache license version 2.0, january 2004", ""},
	{"MPL-2.0", "mozilla public license version 2.0", ""},
	{"Unlicense", "this is free and unencumbered software released into the public domain", ""},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose", ""},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy", ""},
	{"BSD-3-Clause", "neither the name of", "gnu "},
	{"BSD-2-Clause", "redistributions in binary form must reproduce the above copyright", "neither the name of"},
}

func TestEveryLinkedModuleHasAnAcceptedLicenceThatNOTICENames(t *testing.T) {
	notice, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	modules := linkedModules(t)
	if len(modules) == 0 {
		t.Fatal("go list names no module: this test would prove nothing")
	}
	for path, folder := range modules {
		name := licenceIn(t, folder)
		if name == "" {
			t.Errorf("%s: no accepted licence in %s", path, folder)
			continue
		}
		line := path + " " + name
		if !slices.Contains(strings.Split(string(notice), "\n"), line) {
			t.Errorf("NOTICE lacks the line %q", line)
		}
	}
}

func TestALicenceIsKnownByItsText(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n  Version 2.0, January 2004\n":                                                         "Apache-2.0",
		"Permission is hereby granted, free of charge, to any\nperson obtaining a copy of":                      "MIT",
		"Redistributions in binary form must reproduce the above\ncopyright notice. Neither the name of X nor":  "BSD-3-Clause",
		"Redistributions in binary form must reproduce the above copyright notice, this list":                   "BSD-2-Clause",
		"Permission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee": "ISC",
		"GNU AFFERO GENERAL PUBLIC LICENSE Version 3":                                                           "",
		"All rights reserved. Ask first.":                                                                       "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("licence of %.40q: got %q, want %q", text, got, want)
		}
	}
}

// linkedModules are the folders of the modules that are linked into the
// program.
func linkedModules(t *testing.T) map[string]string {
	t.Helper()
	command := exec.Command("go", "list", "-e", "-deps", "-json=Module", "./cmd/...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	modules := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var listed struct {
			Module *struct {
				Path, Dir string
				Main      bool
			}
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			return modules
		} else if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		if m := listed.Module; m != nil && !m.Main {
			modules[m.Path] = m.Dir
		}
	}
}

// licenceIn reads the licence of a module from its folder.
func licenceIn(t *testing.T, folder string) string {
	t.Helper()
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "License*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name := licenceOf(string(text)); name != "" {
				return name
			}
		}
	}
	return ""
}

func licenceOf(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, l := range licences {
		if strings.Contains(text, l.has) && (l.lacks == "" || !strings.Contains(text, l.lacks)) {
			return l.name
		}
	}
	return ""
}
