package manage

import (
	"fmt"
	"strings"

	"barillet/cmd/barillet/cli"
)

// progress tells how far a long act is: a bar at a terminal, elsewhere a plain line at each tenth.
type progress struct {
	m        *Manager
	what     string
	all      int
	bar      bool
	tenth    int
	finished bool
}

const (
	barWidth     = 30  // of the bar, in characters
	worthTelling = 500 // less is done before anybody wonders
)

func (m *Manager) progress(what string, all int) *progress {
	return &progress{m: m, what: what, all: all, bar: cli.Terminal(m.Stderr)}
}

// at tells that so many of all are done.
func (p *progress) at(done int) {
	if p.all == 0 || p.finished {
		return
	}
	p.finished = done >= p.all
	if p.bar {
		full := barWidth * done / p.all
		fmt.Fprintf(p.m.Stderr, "\r%s [%s%s] %d of %d", p.what, strings.Repeat("#", full), strings.Repeat("-", barWidth-full), done, p.all)
		if p.finished {
			fmt.Fprintln(p.m.Stderr)
		}
		return
	}
	if tenth := 10 * done / p.all; tenth > p.tenth && p.all >= worthTelling {
		p.tenth = tenth
		p.m.Note("%s: %d of %d", p.what, done, p.all)
	}
}

// end leaves the line of a bar that did not come to its end.
func (p *progress) end() {
	if p.bar && !p.finished && p.all > 0 {
		fmt.Fprintln(p.m.Stderr)
	}
}
