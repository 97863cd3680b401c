package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	allTargets        = "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64"
	defaultMaintainer = "The Barillet authors <barillet@packages.invalid>"
)

// options are the flags of build.
type options struct {
	source, out, targets, key, vulnDB, builder, maintainer string
	unsigned, noVEX                                        bool
}

// target is one operating system and architecture, and its program.
type target struct {
	system, arch, program string
	info                  *buildinfo.BuildInfo
}

// release is a release while it is built. Every time in its files is that of the commit.
type release struct {
	options
	work            string // temporary
	version, commit string // version is without "v"
	time            time.Time
	targets         []target
	docs            string // directory of what all archives hold
}

// build builds all files into o.out. It checks what the builder must name before it starts.
func build(o options) error {
	switch {
	case o.key == "" && !o.unsigned:
		return errors.New("no key: set RELEASE_KEY to sign the provenance, or UNSIGNED=1 to make none")
	case o.key != "" && o.builder == "":
		return errors.New("no builder: set BUILDER to the URI of the machine or service that builds, for the provenance")
	case o.vulnDB == "" && !o.noVEX:
		return errors.New("no database of vulnerabilities: set VULNDB, or NO_VEX=1 to make no VEX file")
	}
	work, err := os.MkdirTemp("", "barillet-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	for _, dir := range []*string{&o.source, &o.out, &o.key} {
		if *dir != "" {
			if *dir, err = filepath.Abs(*dir); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(os.RemoveAll(o.out), os.MkdirAll(o.out, 0o755)); err != nil {
		return err
	}
	r := &release{options: o, work: work, docs: filepath.Join(work, "docs")}
	for _, step := range []func() error{r.clone, r.compile, r.identify, r.document, r.archives, r.packages, r.image, r.sboms, r.vex, r.checksums, r.provenance} {
		if err := step(); err != nil {
			return err
		}
	}
	fmt.Printf("barillet %s of %s is in %s\n", r.version, r.commit, r.out)
	return nil
}

// clone replaces the source by a clone of its commit. A file that is not committed is in no release; a signed release has none.
func (r *release) clone() error {
	changes, err := output(exec.Command("git", "-C", r.source, "status", "--porcelain"))
	if err != nil {
		return err
	}
	if len(changes) > 0 && !r.unsigned {
		return errors.New("the working tree differs from its commit: commit or remove the changes")
	}
	clone := filepath.Join(r.work, "source")
	if _, err := output(exec.Command("git", "clone", "--quiet", "--shared", r.source, clone)); err != nil {
		return err
	}
	r.source = clone
	return nil
}

// compile builds the program for each target.
func (r *release) compile() error {
	for word := range strings.FieldsSeq(r.options.targets) {
		system, arch, ok := strings.Cut(word, "/")
		if !ok || !slices.Contains(strings.Fields(allTargets), word) {
			return fmt.Errorf("no target %q: want some of %s", word, allTargets)
		}
		t := target{system: system, arch: arch, program: filepath.Join(r.work, system+"_"+arch, "barillet")}
		if system == "windows" {
			t.program += ".exe"
		}
		var err error
		if t.info, err = r.compileTo(t.program, system, arch); err != nil {
			return err
		}
		r.targets = append(r.targets, t)
	}
	if len(r.targets) == 0 {
		return errors.New("no target")
	}
	_, err := r.compileTo(r.host(), runtime.GOOS, runtime.GOARCH)
	return err
}

// host returns the path of a program that runs on this machine.
func (r *release) host() string { return filepath.Join(r.work, "host", "barillet") }

func (r *release) compileTo(path, system, arch string) (*buildinfo.BuildInfo, error) {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", path, "./cmd/barillet")
	c.Dir = r.source
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-trimpath", "GOEXPERIMENT=", "GOWORK=off")
	if _, err := output(c); err != nil {
		return nil, fmt.Errorf("building for %s/%s: %w", system, arch, err)
	}
	return buildinfo.ReadFile(path)
}

// identify reads version, commit and time from what the linker recorded.
func (r *release) identify() error {
	info := r.targets[0].info
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	r.version, r.commit = strings.TrimPrefix(info.Main.Version, "v"), settings["vcs.revision"]
	at, err := time.Parse(time.RFC3339, settings["vcs.time"])
	if err != nil || r.commit == "" || r.version == "" {
		return fmt.Errorf("the program names no commit: build from a Git repository")
	}
	r.time = at.UTC()
	if settings["vcs.modified"] != "false" {
		return errors.New("the program names a modified source")
	}
	return nil
}

// document makes what all archives and packages hold.
func (r *release) document() error {
	if _, err := output(exec.Command(r.host(), "manual", filepath.Join(r.docs, "man"))); err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(r.source, name))
		if err != nil {
			return err
		}
		files[name] = text
	}
	for shell, name := range map[string]string{"bash": "barillet.bash", "zsh": "_barillet", "fish": "barillet.fish"} {
		text, err := output(exec.Command(r.host(), "completion", shell))
		if err != nil {
			return err
		}
		files["completions/"+name] = text
	}
	for _, name := range []string{"barillet.service", "port-443.conf", "barillet.toml"} {
		text, err := r.packaging(name)
		if err != nil {
			return err
		}
		files["systemd/"+name] = text
	}
	for _, name := range []string{"compose.yaml", "kubernetes.yaml"} {
		text, err := os.ReadFile(filepath.Join(r.source, "deploy", name))
		if err != nil {
			return err
		}
		files["deploy/"+name] = text
	}
	var err error
	if files["LICENCES"], err = r.licences(string(files["NOTICE"])); err != nil {
		return err
	}
	for name, text := range files {
		if err := write(filepath.Join(r.docs, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command. Its error holds what the command printed on stderr.
func output(c *exec.Cmd) ([]byte, error) {
	out, err := c.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(c.Path), err, strings.TrimSpace(string(failed.Stderr)))
	}
	return out, err
}

// write writes a file with the mode, for any umask, and makes its directories.
func write(path string, text []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, text, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
