package main

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"barillet/internal/diskspace"
	"barillet/store"
	"barillet/web"
)

const (
	readyInterval = 10 * time.Second // between the writes that prove that the store can write
	readyTimeout  = 2 * time.Second  // of such a write
	minRoom       = 256 << 10        // bytes that a few sign-ins need
)

// readiness answers whether the service can write. It writes at most once in readyInterval, for any number of callers.
type readiness struct {
	store  store.Store
	space  *diskspace.Watch
	uptime func() time.Duration

	mu      sync.Mutex
	running *proof // the present or the last one; nil: none
}

// proof is one attempt to write. err is set when done is closed.
type proof struct {
	began time.Duration
	done  chan struct{}
	err   error
}

// readiness returns the implementation of web.Config.Ready.
func (a *app) readiness() func(context.Context) web.Readiness {
	r := &readiness{store: a.dataDir.Store, space: a.dataDir.Space, uptime: stopwatch()}
	return func(ctx context.Context) web.Readiness {
		state := r.check(ctx)
		state.LogContradicted = a.tree.IsContradicted()
		return state
	}
}

// errNoRoom is the error of a disk on which the next change can fail.
var errNoRoom = errors.New("the disk is full")

// check implements web.Config.Ready.
func (r *readiness) check(ctx context.Context) web.Readiness {
	p := r.prove()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := context.DeadlineExceeded
	select {
	case <-p.done:
		err = p.err
	case <-ctx.Done():
	}
	s := r.space.State()
	if err == nil && s.Free+s.Reserved < minRoom {
		err = errNoRoom
	}
	out := web.Readiness{Err: err, LowSpace: s.Low, Free: store.Size(s.Free)}
	switch {
	case err == nil:
	case errors.Is(err, errNoRoom), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, store.ErrUnavailable) && s.Low:
		out.Reason = "disk"
	default:
		out.Reason = "store"
	}
	return out
}

// prove returns the last proof, or a new one if the last one is over and older than readyInterval.
func (r *readiness) prove() *proof {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.uptime()
	if p := r.running; p != nil {
		select {
		case <-p.done:
			if now-p.began < readyInterval {
				return p
			}
		default:
			return p
		}
	}
	p := &proof{began: now, done: make(chan struct{})}
	r.running = p
	go func() {
		defer close(p.done)
		p.err = r.write()
	}()
	return p
}

func (r *readiness) write() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	return store.Probe(ctx, r.store, now())
}
