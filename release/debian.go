package main

import (
	"crypto/md5"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packaging returns a file of the Debian package that is not generated.
func (r *release) packaging(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.source, "release", "debian", name))
}

// debianVersion returns a version that Debian sorts as semantic versions are: 1.0.0-rc.1 is before 1.0.0.
func debianVersion(version string) string {
	version = strings.Replace(version, "-", "~", 1)
	return strings.ReplaceAll(version, "-", ".")
}

// packages makes the Debian package of each Linux target with dpkg-deb.
func (r *release) packages() error {
	for _, t := range r.targets {
		if t.system != "linux" {
			continue
		}
		if err := r.debian(t); err != nil {
			return fmt.Errorf("making the Debian package for %s: %w", t.arch, err)
		}
	}
	return nil
}

func (r *release) debian(t target) error {
	root := filepath.Join(r.work, "debian_"+t.arch)
	files, err := r.debianFiles(t)
	if err != nil {
		return err
	}
	var sums strings.Builder
	size := 0
	for _, f := range files {
		if err := write(filepath.Join(root, f.name), f.text, os.FileMode(f.mode)); err != nil {
			return err
		}
		if !strings.HasPrefix(f.name, "etc/") { // dpkg keeps the sums of conffiles itself
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(f.text), f.name)
		}
		size += len(f.text)
	}
	control := fmt.Sprintf("Package: barillet\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %d\nDepends: adduser\n"+
		"Recommends: ca-certificates\nSection: net\nPriority: optional\nDescription: login service with a second factor\n"+
		" Barillet signs users in with a password and a second factor: a code of an\n authenticator app or a security key. Applications use it by OpenID Connect,\n"+
		" or by forward authentication at a proxy. All state is in one file.\n", debianVersion(r.version), t.arch, r.maintainer, (size+1023)/1024)
	for name, text := range map[string]string{"control": control, "md5sums": sums.String(), "conffiles": "/etc/barillet/barillet.toml\n"} {
		if err := write(filepath.Join(root, "DEBIAN", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"postinst", "prerm", "postrm"} {
		text, err := r.packaging(name)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(root, "DEBIAN", name), text, 0o755); err != nil {
			return err
		}
	}
	// One thread: more would make blocks by their number.
	c := exec.Command("dpkg-deb", "--build", "--root-owner-group", "-Zxz", "-z6", "--threads-max=1", root, filepath.Join(r.out, r.name(t.arch)+".deb"))
	c.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
	if err := chmodDirs(root); err != nil {
		return err
	}
	_, err = output(c)
	return err
}

// chmodDirs gives all directories the mode 0755, for any umask.
func chmodDirs(root string) error {
	return filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(name, 0o755)
	})
}

// debianFiles returns the files that the package installs.
func (r *release) debianFiles(t target) ([]entry, error) {
	documents, err := entriesOf(r.docs)
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(t.program)
	if err != nil {
		return nil, err
	}
	const doc = "usr/share/doc/barillet/"
	changelog := fmt.Sprintf("barillet (%s) unstable; urgency=medium\n\n  * Release %s: the changes are in NEWS.gz.\n\n -- %s  %s\n",
		debianVersion(r.version), r.version, r.maintainer, r.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	files := []entry{{name: "usr/bin/barillet", mode: 0o755, text: program}}
	add := func(name string, text []byte, compress bool) {
		if compress && err == nil {
			name += ".gz"
			text, err = gzipOf(text)
		}
		files = append(files, entry{name: name, mode: 0o644, text: text})
	}
	add(doc+"changelog", []byte(changelog), true)
	places := map[string]string{
		"completions/barillet.bash": "usr/share/bash-completion/completions/barillet", "completions/_barillet": "usr/share/zsh/vendor-completions/_barillet",
		"completions/barillet.fish": "usr/share/fish/vendor_completions.d/barillet.fish", "systemd/barillet.service": "lib/systemd/system/barillet.service",
		"systemd/port-443.conf": doc + "examples/port-443.conf", "systemd/barillet.toml": "etc/barillet/barillet.toml",
		"deploy/compose.yaml": doc + "examples/compose.yaml", "deploy/kubernetes.yaml": doc + "examples/kubernetes.yaml",
		"NOTICE": doc + "NOTICE", "README.md": doc + "README.md", "LICENSE": "", "LICENCES": "", "CHANGELOG.md": "",
	}
	for _, d := range documents {
		place, known := places[d.name]
		switch page, isPage := strings.CutPrefix(d.name, "man/"); {
		case isPage:
			add("usr/share/man/man"+page[len(page)-1:]+"/"+page, d.text, true)
		case !known:
			return nil, fmt.Errorf("no place for %s", d.name)
		case d.name == "CHANGELOG.md":
			add(doc+"NEWS", d.text, true)
		case d.name == "LICENCES":
			add(doc+"LICENCES", d.text, true)
		case d.name == "LICENSE":
		default:
			add(place, d.text, false)
		}
	}
	const copyright = "Copyright 2026 The Barillet authors\n\nLicensed under the Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0\n\n" +
		"The program contains the modules that NOTICE names. LICENCES.gz has the text of each licence.\n"
	add(doc+"copyright", []byte(copyright), false)
	overrides, readErr := r.packaging("lintian-overrides")
	if readErr != nil {
		return nil, readErr
	}
	add("usr/share/lintian/overrides/barillet", overrides, false)
	return files, err
}
