package web_test

import (
	"context"
	"errors"
	"testing"

	"barillet/web"
)

func TestReady_NamesTheReasonAndLowSpace(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		state   web.Readiness
		damaged int
		status  int
		want    string
	}{
		"ready":                   {web.Readiness{Free: "1024 MiB"}, 0, 200, "ready\n"},
		"low space":               {web.Readiness{LowSpace: true, Free: "12 MiB"}, 0, 200, "ready\nfree space is low: 12 MiB\n"},
		"damaged records as well": {web.Readiness{LowSpace: true, Free: "12 MiB"}, 3, 200, "ready, damaged records: 3\nfree space is low: 12 MiB\n"},
		"a changed audit log":     {web.Readiness{LogContradicted: true}, 0, 200, "ready\naudit log contradicts its last head\n"},
		"a full disk":             {web.Readiness{Err: broken, Reason: "disk", LowSpace: true, Free: "0.2 MiB"}, 3, 503, "not ready: disk\nfree space is low: 0.2 MiB\n"},
		"a store that stopped":    {web.Readiness{Err: broken, Reason: "store"}, 0, 503, "not ready: store\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, func(conf *web.Config) {
				conf.Ready = func(context.Context) web.Readiness { return c.state }
				conf.DamagedRecords = func() int { return c.damaged }
			})
			w := p.ask("GET", "/readyz", "")
			if w.Code != c.status || w.Body.String() != c.want || (w.Header().Get("Retry-After") != "") != (c.status == 503) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, c.status, c.want)
			}
		})
	}
}
