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

// Limits of the calls of an import. The API accepts 100 users and 64 KiB.
const (
	maxRows     = 100
	maxCallSize = 60 << 10 // bytes
	maxCreate   = 25       // users created by one call: each needs a sync of the disk
	maxAttempts = 6        // of one call, while the service starts or is overloaded
)

// MaxCalls is the number of concurrent calls of a command. They share the syncs of the disk.
const MaxCalls = 8

// size returns the number of bytes that a row needs in a call.
func (r importRow) size() int {
	text, err := json.Marshal(r)
	if err != nil { // package usercsv checked the JSON
		return maxCallSize + 1
	}
	return len(text) + 1
}

// importJob sends rows to the API in concurrent calls.
type importJob struct {
	m        *CLI
	service  *Client
	query    string
	max      int // rows in a call
	mu       sync.Mutex
	progress progress
}

// run calls each with the outcome of every row. If an error ends it early, each was called for the rows that the service
// received.
func (j *importJob) run(ctx context.Context, rows []importRow, each func(importRow, importOutcome)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls := make(chan []importRow)
	var workers sync.WaitGroup
	for range MaxCalls {
		workers.Go(func() {
			for part := range calls {
				if err := j.call(ctx, part, each); err != nil {
					stop(err)
				}
			}
		})
	}
	for len(rows) > 0 && ctx.Err() == nil {
		n, size := 0, 0
		for n < len(rows) && n < j.max && (n == 0 || size+rows[n].size() <= maxCallSize) {
			size += rows[n].size()
			n++
		}
		select {
		case <-ctx.Done():
		case calls <- rows[:n]:
		}
		rows = rows[n:]
	}
	close(calls)
	workers.Wait()
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return errors.New("interrupted: repeat the command to continue")
	} else if err != nil {
		return err
	}
	return nil
}

// call makes one call and repeats it while the service cannot be reached or is overloaded: a user that a call created
// exists for the next one. A call continues after an interrupt, so that its users are counted.
func (j *importJob) call(ctx context.Context, part []importRow, each func(importRow, importOutcome)) error {
	request := map[string][]importRow{"users": part}
	var response map[string][]importOutcome
	for attempt := 1; ; attempt++ {
		err := j.service.call(context.WithoutCancel(ctx), http.MethodPost, "/imports"+j.query, request, &response)
		if err == nil {
			break
		}
		wait, retry := j.retry(err, attempt)
		if !retry {
			return fmt.Errorf("importing from line %d: %w", part[0].csv.Line, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
	outcomes := response["users"]
	if len(outcomes) != len(part) {
		return errors.New("the response does not match the request")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, o := range outcomes {
		each(part[i], o)
	}
	j.progress.add(len(part))
	return nil
}

// retry reports whether a failed call is repeated, and after what time.
func (j *importJob) retry(err error, attempt int) (time.Duration, bool) {
	if attempt == maxAttempts || j.service.Offline {
		return 0, false
	}
	wait := time.Second << (attempt - 1)
	if refused, ok := errors.AsType[*refusal](err); ok {
		return max(wait, refused.retry), refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusServiceUnavailable
	}
	return wait, true
}

// createUsers creates the users of valid rows.
func (m *CLI) createUsers(ctx context.Context, s *Client, rows []importRow, invite bool, done *importSummary) error {
	job := importJob{m: m, service: s, query: fmt.Sprintf("?activate=%t", invite), max: maxCreate, progress: progress{m: m, verb: "created", all: len(rows)}}
	var invalid error
	err := job.run(ctx, rows, func(_ importRow, o importOutcome) {
		switch o.Outcome {
		case "created":
			done.Created++
		case "exists":
			done.Existed++
		case "invalid": // another request was faster
			invalid = errors.New("some users became invalid during the import: repeat the command to see why")
		}
		if o.Invited {
			done.Invited++
		}
	})
	return errors.Join(err, invalid)
}
