package storetest

import (
	"cmp"
	"os"
	"testing"

	"barillet/store"
)

// MemoryVariable is the environment variable that names a directory to use instead of Memory. A program that runs tests sets
// it, to remove what a test leaves behind that panics or is killed.
const MemoryVariable = "BARILLET_TESTING_MEMORY"

const (
	Memory    = "/dev/shm" // a file system in memory, on Linux
	minMemory = 256 << 20  // bytes free there, for the stores of all tests that run at once
)

// Dir returns an empty directory for the store of a test and removes it after the test. The directory is in memory
// where the system has a file system for that: a sync is free there. A benchmark gets a directory on the disk, for it
// measures the sync, and so does a test of what outlives a crash: it calls t.TempDir.
func Dir(t testing.TB) string {
	t.Helper()
	memory := cmp.Or(os.Getenv(MemoryVariable), Memory)
	free, _, err := store.FreeSpace(memory)
	if _, bench := t.(*testing.B); bench || err != nil || free < minMemory {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "barillet-test-")
	if err != nil {
		return t.TempDir() // not writable for this user
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the directory of a store: %v", err)
		}
	})
	return dir
}
