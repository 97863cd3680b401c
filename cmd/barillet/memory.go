package main

import (
	"os"
	"runtime/debug"

	"barillet/authn/password"
)

const (
	// memoryBase is the memory that the program needs without hashing, with many requests, in bytes.
	memoryBase = 56 << 20
	// garbagePercent is the value of GOGC. Live memory is small, and with the default of 100 the collector uses a fifth of
	// the time of a verification.
	garbagePercent = 400
)

// boundMemory sets the memory limit of the collector to the memory that hashing at full load needs: each hash leaves its
// memory as garbage, 19 MiB by default. GOGC and GOMEMLIMIT have precedence.
func boundMemory(passwords *password.Hasher) {
	policy := passwords.Policy
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + int64(policy.MaxConcurrent)*int64(policy.Cost.Memory)<<10)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
