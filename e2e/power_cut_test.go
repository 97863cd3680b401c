package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"barillet/store/storetest"
)

// fileSystems are those of a power cut, each with the command that makes it and its options. commit is the time in seconds after which
// ext4 writes what no program synced.
var fileSystems = map[string]struct {
	make    []string
	options string
}{
	"ext4, commit=1":   {[]string{"mkfs.ext4", "-q", "-F"}, "loop,commit=1"},
	"ext4, commit=5":   {[]string{"mkfs.ext4", "-q", "-F"}, "loop,commit=5"},
	"ext4, commit=600": {[]string{"mkfs.ext4", "-q", "-F"}, "loop,commit=600"},
	"XFS":              {[]string{"mkfs.xfs", "-q", "-f"}, "loop"},
}

// powerCuts is the number of power cuts of a file system.
func powerCuts() int {
	if torture() {
		return 25
	}
	return 2
}

// command runs a tool as root, and fails the test if it fails.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// TestPowerCut_KeepsConfirmedPageChanges shuts the file system of the store down under load, through the file system's own call, which
// drops exactly what was not synced. The test needs root.
func TestPowerCut_KeepsConfirmedPageChanges(t *testing.T) {
	executable(t) // once, for all processes
	for name, system := range fileSystems {
		t.Run(name, func(t *testing.T) {
			storetest.OnSmallDisk(t, 600, func(disk string) {
				image, root := filepath.Join(disk, "image"), filepath.Join(disk, "root")
				if err := os.WriteFile(image, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(image, 320*mebibyte); err != nil { // the least of XFS is 300 MB
					t.Fatal(err)
				}
				if err := os.Mkdir(root, 0o700); err != nil {
					t.Fatal(err)
				}
				command(t, system.make[0], append(system.make[1:], image)...)
				mount := func() { command(t, "mount", "-o", system.options, image, root) }
				mount()
				h := Open(t, EnvOptions{Data: filepath.Join(root, "data")})
				told, _ := h.loseNothing(t, powerCuts(), func() {
					command(t, "xfs_io", "-x", "-c", "shutdown", root)
					h.endAnyhow()
				}, func() {
					command(t, "umount", root)
					mount()
				})
				if told == 0 {
					t.Error("got no act told: nothing is proven")
				}
				h.Stop()
				command(t, "umount", root)
			})
		})
	}
}

// endAnyhow kills the program, which may have ended already.
func (p *Program) endAnyhow() {
	p.tb.Helper()
	command := p.command
	p.command = nil
	_ = command.Process.Kill()
	<-p.exited
}
