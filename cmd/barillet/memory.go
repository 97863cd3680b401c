package main

import (
	"os"
	"runtime/debug"

	"barillet/authn"
)

const (
	// memoryBase is what the program needs besides hashing, with room for a crowd of requests, in bytes.
	memoryBase = 56 << 20
	// garbagePercent lets garbage grow to so many percent of what is live: that is little here, and collecting it at
	// the default of 100 takes a fifth of the time of a second step.
	garbagePercent = 400
)

// boundMemory keeps the collector at ease while memory is small, and at work once it nears what hashing at full load
// takes: each hash leaves its whole memory behind, 19 MiB by default, and without a bound several of them pile up.
// Whoever sets GOGC or GOMEMLIMIT is left their will.
func boundMemory(passwords *authn.Passwords) {
	policy := passwords.Policy
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + int64(policy.Slots)*int64(policy.Cost.Memory)<<10)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
