package store_test

import (
	"testing"

	"barillet/store"
)

func TestSize_IsInMebibytes(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0.0 MiB", 256 << 10: "0.2 MiB", 10<<20 - 1: "10.0 MiB", 10 << 20: "10 MiB", 40<<20 + 5: "40 MiB"} {
		if got := store.Size(bytes); got != want {
			t.Errorf("%d bytes: got %s, want %s", bytes, got, want)
		}
	}
}
