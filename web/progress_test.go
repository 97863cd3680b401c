package web

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress_CutsABodyThatArrivesSlowly(t *testing.T) {
	for name, c := range map[string]struct {
		each      int // bytes that arrive in an interval
		intervals int
		first     int // bytes of the first interval, instead
		want      bool
	}{
		"enough in each interval":          {minProgress, 5, minProgress, false},
		"too little in the first":          {minProgress, 2, minProgress - 1, true},
		"too little after much in another": {minProgress - 1, 3, 4 * minProgress, true},
		"nothing":                          {0, 1, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			cuts := 0
			p := &progress{interval: bodyInterval, cut: func() { cuts++ }}
			p.begin()
			time.Sleep(time.Millisecond) // what arrives is between two intervals
			for i := range c.intervals {
				n := c.each
				if i == 0 {
					n = c.first
				}
				if _, err := io.Copy(io.Discard, p.watch(bytes.NewReader(make([]byte, n)))); err != nil {
					t.Fatal(err)
				}
				time.Sleep(bodyInterval)
			}
			if slow := p.end(); slow != c.want || (cuts == 1) != c.want {
				t.Errorf("%s: got slow %t and %d cuts, want %t", name, slow, cuts, c.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := &progress{interval: bodyInterval, cut: func() { t.Error("a body that has arrived was cut") }}
		p.begin()
		if slow := p.end(); slow {
			t.Error("a body that has arrived is slow")
		}
		p.check() // the timer can run at the same time
	})
}
