package backup

import (
	"context"
	"time"
)

// Tick is what Run does once.
func Tick(s *Schedule, ctx context.Context) time.Duration { return s.tick(ctx) }

// KillAt lets Make panic after a step, so that no later step runs; only its spool is deleted. No step ends this.
func KillAt(s *Schedule, step string) {
	s.testingOnlyStep = func(name string) {
		if name == step {
			panic(step)
		}
	}
}
