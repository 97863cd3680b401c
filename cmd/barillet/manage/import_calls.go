package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The bounds of the calls of an import: the API takes a hundred people and 64 KiB.
const (
	mostAtOnce = 100
	mostInCall = 60 << 10 // bytes
	madeAtOnce = 25       // each is synced to the disk, and an answer is waited for half a minute
	mostTries  = 6        // of one call, while the service starts anew or is busy
)

// CallsAtOnce is how many calls a command makes at the same time: they share the syncs of the disk.
const CallsAtOnce = 8

// size is how many bytes of a call a person takes.
func (n newcomer) size() int {
	text, err := json.Marshal(n)
	if err != nil { // texts and JSON that was judged: it cannot be
		return mostInCall + 1
	}
	return len(text) + 1
}

// importJob puts people before the API, several calls at once.
type importJob struct {
	m        *Manager
	service  *Client
	query    string
	most     int           // people of one call
	between  time.Duration // from one person to the next; 0: as fast as it goes
	progress *progress

	mu   sync.Mutex
	done int
}

// do tells each what became of every person. An error ends it early: what was done until then was told.
func (j *importJob) do(ctx context.Context, people []newcomer, each func(newcomer, outcome)) error {
	defer j.progress.end()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls := make(chan []newcomer)
	var workers sync.WaitGroup
	for range CallsAtOnce {
		workers.Go(func() {
			for part := range calls {
				if err := j.call(ctx, part, each); err != nil {
					stop(err)
				}
			}
		})
	}
	j.dispatch(ctx, people, calls)
	close(calls)
	workers.Wait()
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return errors.New("interrupted: the same command goes on from here")
	} else if err != nil {
		return err
	}
	return nil
}

// dispatch cuts the list into calls and sends each when its time has come.
func (j *importJob) dispatch(ctx context.Context, people []newcomer, calls chan<- []newcomer) {
	start, sent := j.m.Now(), 0
	for len(people) > 0 {
		n, size := 0, 0
		for n < len(people) && n < j.most && (n == 0 || size+people[n].size() <= mostInCall) {
			size += people[n].size()
			n++
		}
		wait := time.NewTimer(start.Add(time.Duration(sent) * j.between).Sub(j.m.Now()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		select {
		case <-ctx.Done():
			return
		case calls <- people[:n]:
		}
		people, sent = people[n:], sent+n
	}
}

// call makes one call, again while the service cannot be reached or is busy: whoever was made by a call whose answer
// was lost is known to the next. One that is under way is waited for, so that its people are counted.
func (j *importJob) call(ctx context.Context, part []newcomer, each func(newcomer, outcome)) error {
	ask := struct {
		People []newcomer `json:"people"`
	}{part}
	var said struct {
		People []outcome `json:"people"`
	}
	for try := 1; ; try++ {
		err := j.service.call(context.WithoutCancel(ctx), http.MethodPost, "/imports"+j.query, ask, &said)
		if err == nil {
			break
		}
		wait, again := j.later(err, try)
		if !again {
			return fmt.Errorf("importing from line %d on: %w", part[0].row.Line, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
	if len(said.People) != len(part) {
		return errors.New("the service answered about other people than it was asked about")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, o := range said.People {
		each(part[i], o)
	}
	j.done += len(part)
	j.progress.at(j.done)
	return nil
}

// later tells whether and when a call that failed is made again.
func (j *importJob) later(err error, try int) (time.Duration, bool) {
	if try == mostTries || j.service.Closed {
		return 0, false
	}
	wait := time.Second << (try - 1)
	if refused, ok := errors.AsType[*refusal](err); ok {
		return max(wait, refused.retry), refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusServiceUnavailable
	}
	return wait, true
}

// makeAll makes everybody who is new, at the pace of the invitations.
func (m *Manager) makeAll(ctx context.Context, s *Client, i importing, people []newcomer, done *summary) error {
	job := importJob{m: m, service: s, query: fmt.Sprintf("?activate=%t", i.invite), most: madeAtOnce, between: i.between,
		progress: m.progress("making", len(people))}
	if i.between > 0 {
		job.most = max(1, min(madeAtOnce, int(time.Second/i.between)))
	}
	var refused error
	err := job.do(ctx, people, func(n newcomer, o outcome) {
		switch o.Outcome {
		case "created":
			done.Made++
		case "known":
			done.There++
		case "refused": // somebody else was faster than the list
			refused = errors.New("some became impossible while it ran: give the same command once more to see why")
		}
		if o.Invited {
			done.Invited++
		}
	})
	return errors.Join(err, refused)
}
