package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// console collects what a page complains about: uncaught exceptions, errors
// and warnings of scripts, and what the browser itself logs, where breaches
// of the content security policy are found.
type console struct {
	mu        sync.Mutex
	messages  []string
	expected  []string
	documents map[string]bool // addresses of pages: their own status is an answer, no fault
}

// hear runs in the loop that reads the browser's messages.
func (c *console) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			c.documents[e.Request.URL] = true
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var words []string
			for _, arg := range e.Args {
				words = append(words, string(arg.Value)+arg.Description)
			}
			c.messages = append(c.messages, fmt.Sprintf("console.%s: %s", e.Type, strings.Join(words, " ")))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
		c.messages = append(c.messages, "exception: "+text)
	case *cdplog.EventEntryAdded:
		own := e.Entry.Source == cdplog.EntrySourceNetwork && c.documents[e.Entry.URL]
		serious := e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning
		if serious && !own {
			c.messages = append(c.messages, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

// Messages are the complaints so far that nothing announced.
func (b *Browser) Messages() []string {
	b.tb.Helper()
	// The listener has heard everything that came before this answer.
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[int]("0")); err != nil {
		b.tb.Fatalf("asking the page: %v", err)
	}
	b.say.mu.Lock()
	defer b.say.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.say.messages), func(message string) bool {
		return slices.ContainsFunc(b.say.expected, func(part string) bool { return strings.Contains(message, part) })
	})
}

// Expect announces a complaint that belongs to the test, by a part of its
// text.
func (b *Browser) Expect(part string) {
	b.say.mu.Lock()
	defer b.say.mu.Unlock()
	b.say.expected = append(b.say.expected, part)
}

func (b *Browser) judgeConsole() {
	b.tb.Helper()
	if b.ctx.Err() != nil || chromedp.FromContext(b.ctx).Target == nil {
		return
	}
	for _, message := range b.Messages() {
		b.tb.Errorf("the page complains: %s", message)
	}
}

// call sends one command to the browser's page.
func call[P, R any](b *Browser, command cdp.Command[P, R], params P) R {
	b.tb.Helper()
	return run(b, func(ctx context.Context, t *chromedp.Target) (R, error) {
		return cdp.Call(ctx, t, command, params)
	})
}

// quoted writes a string as JavaScript does.
func quoted(text string) string {
	written, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(written)
}
