package e2e_test

import (
	"strings"
	"sync"
	"time"
)

// logBuffer keeps what the program writes to stderr, over all its starts.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
	more chan struct{} // closed at the next write
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (l *logBuffer) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.text)
}

// await gives what follows text up to the end of its line, once it is
// written after from; "" if the program ends or patience does.
func (l *logBuffer) await(from int, text string, exited chan error) string {
	limit := time.After(patience)
	for {
		l.mu.Lock()
		written := string(l.text[from:])
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		if _, after, found := strings.Cut(written, text); found {
			if line, _, whole := strings.Cut(after, "\n"); whole {
				return line
			}
		}
		select {
		case <-more:
		case err := <-exited:
			exited <- err
			return ""
		case <-limit:
			return ""
		}
	}
}

// Log is everything that the program wrote to stderr.
func (p *Program) Log() string { return p.log.String() }

// Mark is a place in the log, for AwaitLog.
func (p *Program) Mark() int { return p.log.size() }

// AwaitLog waits until the program writes text after mark, and gives the rest
// of that line.
func (p *Program) AwaitLog(mark int, text string) string {
	p.tb.Helper()
	line := p.log.await(mark, text, p.exited)
	if line == "" && !strings.Contains(p.Log()[mark:], text) {
		p.tb.Fatalf("the program does not log %q; its log:\n%s", text, p.log)
	}
	return line
}

// Leaks fails the test for each of these secrets that the log contains (promise S4).
// An empty secret would be found everywhere, and is a fault of the test.
func (p *Program) Leaks(secrets map[string]string) {
	p.tb.Helper()
	log := p.Log()
	for name, secret := range secrets {
		switch {
		case secret == "":
			p.tb.Errorf("the test names no %s to look for", name)
		case strings.Contains(log, secret):
			p.tb.Errorf("the log holds the %s", name)
		}
	}
}
