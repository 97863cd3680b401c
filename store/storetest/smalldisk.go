package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"barillet/store"
)

// smallDiskVariable names the test that runs in a mount namespace of its own.
const smallDiskVariable = "BARILLET_SMALL_DISK"

// OnSmallDisk calls fn with the root of an empty file system of so many MiB in memory. It runs the test again in another
// process, in a mount namespace that ends with it. Without root, the process has a user namespace too.
func OnSmallDisk(t *testing.T, mebibytes int, fn func(dir string)) {
	t.Helper()
	if os.Getenv(smallDiskVariable) == t.Name() {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mebibytes)); err != nil {
			t.Fatalf("mounting a file system: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		fn(dir)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		names = append(names, "^"+regexp.QuoteMeta(name)+"$")
	}
	c := exec.Command(self, "-test.count=1", "-test.v", "-test.run="+strings.Join(names, "/"))
	c.Env = append(os.Environ(), smallDiskVariable+"="+t.Name())
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("on a small disk: %v\n%s", err, out)
	}
}

// Fill writes a file until so many bytes are free on its file system.
func Fill(t *testing.T, path string, free uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		left := Free(t, path)
		if left <= free {
			return
		}
		if _, err := f.Write(make([]byte, min(left-free, 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
}

// Free returns the free bytes of a file system.
func Free(t *testing.T, path string) uint64 {
	t.Helper()
	free, _, err := store.FreeSpace(path)
	if err != nil {
		t.Fatal(err)
	}
	return free
}
