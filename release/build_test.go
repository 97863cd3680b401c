package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func hostInfo(t *testing.T) *buildinfo.BuildInfo {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// Other tests cannot show that a package holds a program that runs, or that two builds are identical.
func TestBuild_TwiceGivesIdenticalFilesOfAProgramThatRuns(t *testing.T) {
	dirs := []string{filepath.Join(t.TempDir(), "dist"), filepath.Join(t.TempDir(), "elsewhere")}
	var sums []string
	for _, dir := range dirs {
		if err := build(options{source: "..", out: dir, targets: "linux/amd64", maintainer: defaultMaintainer, unsigned: true, noVEX: true}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, checksumsName))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 4 {
		t.Errorf("two builds differ, or are not four files:\n%s\n%s", sums[0], sums[1])
	}
	check := exec.Command("sha256sum", "--check", "--strict", checksumsName)
	check.Dir = dirs[0]
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(dirs[0], "*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v, %v", packages, err)
	}
	root := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "--extract", packages[0], root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(filepath.Join(root, "usr/bin/barillet"), "version").Output()
	if err != nil || !strings.Contains(string(out), "modified: false") {
		t.Errorf("%v: %s", err, out)
	}
	image, err := filepath.Glob(filepath.Join(dirs[0], "*_oci.tar"))
	if err != nil || len(image) != 1 {
		t.Fatalf("%v, %v", image, err)
	}
	if info, err := os.Stat(image[0]); err != nil || info.Size() > 30<<20 {
		t.Errorf("image: %v, %v", info, err)
	}
}
