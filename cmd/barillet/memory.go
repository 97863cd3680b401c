package main

import (
	"os"
	"runtime/debug"

	"barillet/authn/password"
)

const (
	// memoryBase is the memory that the program needs without hashing, with many requests, in bytes.
	memoryBase = 40 << 20
	// garbagePercent is the value of GOGC. Live memory is small, and with the default of 100 the collector uses a fifth of
	// the time of a verification.
	garbagePercent = 400
	// minGarbage is the minimum number of hashes between two collections.
	minGarbage = 4
)

// boundMemory sets how the memory of hashes is collected. The memory limit of the collector is more than hashing needs at
// full load: it only acts if other memory is large. GOGC and GOMEMLIMIT have precedence, and leave all to the collector.
func boundMemory(passwords *password.Hasher) {
	gogc, limit := os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")
	if gogc == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if gogc != "" || limit != "" {
		return
	}
	policy := passwords.Policy
	garbage := max(minGarbage, policy.MaxConcurrent)
	passwords.LimitGarbage(garbage)
	hashes := policy.MaxConcurrent + garbage + 1
	debug.SetMemoryLimit(memoryBase + int64(hashes)*int64(policy.Cost.Memory)<<10)
}
