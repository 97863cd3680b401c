package breach

import (
	"context"
	"io"
	"time"
)

// ImportInRuns is Import with shorter runs, so that a test merges many of them.
func ImportInRuns(ctx context.Context, dir string, list io.Reader, minCount uint64, now time.Time, length int) (Info, error) {
	return importRuns(ctx, dir, list, Info{MinCount: max(minCount, 1), Imported: now}, length)
}
