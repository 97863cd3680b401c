package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLists_NameEachGuardOnce fails if a listed text is no longer in its file: the guard was changed, and its mutant with it.
func TestLists_NameEachGuardOnce(t *testing.T) {
	all, err := readLists("../..")
	if err != nil {
		t.Fatal(err)
	}
	const enough = 120
	if len(all) < enough {
		t.Errorf("the lists have %d mutants, want at least %d", len(all), enough)
	}
	for _, top := range []string{"authn", "factors", "internal", "oidc", "store", "web"} {
		n := 0
		for _, m := range all {
			if strings.HasPrefix(m.file, top+"/") {
				n++
			}
		}
		if n < 5 {
			t.Errorf("the lists have %d mutants of %s, want at least 5", n, top)
		}
	}
}

func TestTestAll_JudgesMutants(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test\n\ngo 1.26\n",
		"p/p.go": "package p\n\ntype age int\n\nfunc (a *age) adult(int, ...string) (yes bool) { return *a >= 18 }\n\n" +
			"func First[T any](all []T, _ int) T { return all[0] }\n\nfunc wait(n int) {\n\tfor n > 0 {\n\t\tn--\n\t}\n}\n",
		"p/p_test.go": "package p\n\nimport \"testing\"\n\nfunc TestAdult(t *testing.T) {\n\told, young := age(18), age(3)\n\twait(2)\n" +
			"\tif !old.adult(1, \"a\") || young.adult(2) || First([]int{1, 2}, 0) != 1 {\n\t\tt.Fatal(\"wrong\")\n\t}\n}\n",
		"p/testdata/mutants.txt": "why the limit\nfile p.go age.adult\n- *a >= 18\n+ *a > 18\ntest TestAdult\n\n# a comment\nwhy 17 is not tested\nfile p.go\n- *a >= 18\n+ *a >= 17\ntest . TestAdult\n\n" +
			"why no such test\nfile p.go\n- *a >= 18\n+ false\ntest TestChild\n\nwhy the first\nfile p.go First\n- 0]\n+ 1]\ntest ../p TestAdult\n\nwhy a function without a result\nfile p.go wait\n- n > 0\n+ n > 5\ntest TestAdult\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := readLists(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	var results []result
	err = testAll(t.Context(), root, all, all, 2, func(some []result) { results = append(results, some...) })
	want := []string{caught, missed, missed, caught, missed}
	if err != nil || len(results) != len(want) {
		t.Fatalf("got %d results, %v, want %d", len(results), err, len(want))
	}
	for i, r := range results {
		if r.verdict != want[i] {
			t.Errorf("%s: got %s, want %s\n%s", r.mutant.why, r.verdict, want[i], r.output)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v in the temporary directory, want nothing left", left, err)
	}
	all[0].new = "*a >="
	if err := testAll(t.Context(), root, all, all, 2, func([]result) {}); err == nil || !strings.Contains(err.Error(), "compiling") {
		t.Errorf("a mutant that does not compile: got %v", err)
	}
	if a, b := choose(all, 2, "x"), choose(all, 2, "x"); len(a) != 2 || a[0].why != b[0].why || a[1].why != b[1].why {
		t.Error("one seed chooses two samples")
	}
}

func TestParseList_RefusesWhatItCannotFind(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "p.go"), []byte("package p\n\nvar a, b = 1, 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]string{
		"a text that is there twice": "why x\nfile p.go\n- 1\n+ 2\ntest TestX\n",
		"a text that is not there":   "why x\nfile p.go\n- 3\n+ 2\ntest TestX\n",
		"an unknown function":        "why x\nfile p.go F\n- 1, 1\n+ 2\ntest TestX\n",
		"an unknown file":            "why x\nfile q.go\n- 1, 1\n+ 2\ntest TestX\n",
		"no change":                  "why x\nfile p.go\n- 1, 1\n+ 1, 1\ntest TestX\n",
		"no reason":                  "file p.go\n- 1, 1\n+ 2, 1\ntest TestX\n",
		"an unknown line":            "why x\nfile p.go\n- 1, 1\n+ 2, 1\ntest TestX\nwhen now\n",
	} {
		if err := os.MkdirAll(filepath.Join(root, "testdata"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "testdata", "mutants.txt"), []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readLists(root); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
