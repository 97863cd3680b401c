package outbox

import (
	"barillet/store"
)

// List returns a page of jobs in the order of their ids, and a cursor for the next page (empty at the end). show converts
// a job and reports whether it is listed. The ids begin with sub and sort after the cursor after. limit is 1 to 500; 0
// means 100. A page is shorter, or empty, if store.PageReads jobs were read for it.
func List[R, I any](s store.Snapshot, table store.Table[R], sub, after string, limit int, show func(id string, job R) (I, bool)) (items []I, next string, err error) {
	if limit <= 0 || limit > 500 {
		limit = min(max(limit, 100), 500)
	}
	last, reads, more := "", 0, false
	err = table.Scan(s, sub, after, 0, func(id string, job R) error {
		item, keep := show(id, job)
		if more = reads == store.PageReads || keep && len(items) == limit; more {
			return store.ErrStop
		}
		if last, reads = id, reads+1; keep {
			items = append(items, item)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if more {
		next = last
	}
	return items, next, nil
}
