package doctor

import (
	"context"
	"errors"
	"testing"
	"time"

	"barillet/store"
)

func TestCheckBackup_JudgesTheLastOne(t *testing.T) {
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		age  time.Duration
		ok   bool
		err  error
		want Severity
	}{
		"a day":       {24 * time.Hour, true, nil, OK},
		"three days":  {72 * time.Hour, true, nil, Error},
		"none":        {0, false, nil, Warning},
		"not legible": {0, false, errors.New("cannot be read"), ""},
	} {
		in := Inside{Now: func() time.Time { return now }, LastBackup: func(context.Context, store.Store) (time.Time, bool, error) {
			return now.Add(-c.age), c.ok, c.err
		}}
		var r Report
		err := in.checkBackup(t.Context(), &r)
		if !errors.Is(err, c.err) || c.want != "" && (len(r.Findings) != 1 || r.Findings[0].Severity != c.want || (c.want != OK) != (r.Findings[0].Remedy != "")) {
			t.Errorf("%s: got %v, %v, want %s", name, r.Findings, err, c.want)
		}
	}
}
