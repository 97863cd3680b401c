package main

import (
	"math"
	"runtime/debug"
	"testing"

	"barillet/authn/password"
	"barillet/store"
)

func TestBoundMemory_OperatorsSettingsHavePrecedence(t *testing.T) {
	h, err := password.NewHasher(store.NewRootKeys().Pepper, password.Policy{MaxConcurrent: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		gogc, limit string
		percent     int
		bytes       int64
	}{
		{"", "", garbagePercent, memoryBase + (2+minGarbage+1)*19<<20},
		{"50", "", 77, math.MaxInt64},
		{"", "1GiB", garbagePercent, math.MaxInt64},
	} {
		t.Run(c.gogc+","+c.limit, func(t *testing.T) {
			t.Setenv("GOGC", c.gogc)
			t.Setenv("GOMEMLIMIT", c.limit)
			percent, limit := debug.SetGCPercent(77), debug.SetMemoryLimit(math.MaxInt64)
			defer debug.SetMemoryLimit(limit)
			boundMemory(h)
			if got := debug.SetGCPercent(percent); got != c.percent {
				t.Errorf("GOGC: got %d, want %d", got, c.percent)
			}
			if got := debug.SetMemoryLimit(-1); got != c.bytes {
				t.Errorf("memory limit: got %d, want %d", got, c.bytes)
			}
		})
	}
}
