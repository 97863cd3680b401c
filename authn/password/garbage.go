package password

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// idleTime is the time without a hash after which the memory of hashes goes back to the system.
const idleTime = 30 * time.Second

// garbage collects the memory of finished hashes. The zero value leaves it to the collector of Go.
type garbage struct {
	max int // hashes between two collections

	mu       sync.Mutex
	finished int // hashes since the last rest
	percent  int // value of GOGC while no password is hashed
	idle     *time.Timer
}

// LimitGarbage makes the Hasher collect garbage after each number of hashes, and return its memory to the system after half
// a minute without a hash. In between, the collector of Go only acts at the memory limit, which must be larger than
// what hashing needs. LimitGarbage must be called before the first hash.
//
// The Argon2 package allocates the memory of each hash anew, and that of one hash is larger than all other live memory.
// Left alone, the collector runs for each hash, or returns to the system what the next hash needs
// (docs/adr/0013-memory-of-hashing.md).
func (h *Hasher) LimitGarbage(hashes int) {
	h.garbage.max = hashes
	h.garbage.idle = time.AfterFunc(idleTime, h.garbage.rest)
}

// begin waits until a collection ends, so that no hash takes memory beside the one that is collected.
func (g *garbage) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
}

// add counts a finished hash.
func (g *garbage) add() {
	if g.max == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.finished == 0 {
		g.percent = debug.SetGCPercent(-1)
	}
	if g.finished++; g.finished%g.max == 0 {
		runtime.GC()
	}
	g.idle.Reset(idleTime)
}

// rest returns the memory of hashes to the system. The collector of Go decides alone until the next hash.
func (g *garbage) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.finished > 0 {
		g.finished = 0
		debug.SetGCPercent(g.percent)
	}
	debug.FreeOSMemory()
}
