package e2e_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Browser is one Chromium with a profile of its own and one page.
type Browser struct {
	Base string // what a path in Open is below

	tb  testing.TB
	ctx context.Context
	say *console
}

// BrowserOptions say whose browser it is. The zero value is a person with a
// desktop, French first, and JavaScript.
type BrowserOptions struct {
	Language string // the Accept-Language header; empty: "fr"
	NoScript bool   // JavaScript is switched off

	AnyCertificate bool   // certificates that nobody vouches for are taken, but security keys do not work with them
	KeyPin         string // base64 of the SHA-256 of a certificate's public key, which is as good as one that a CA vouches for
}

// NewBrowser starts a browser; it ends with the test, which fails for every
// message of the console that nothing announced.
func NewBrowser(tb testing.TB, base string, o BrowserOptions) *Browser {
	tb.Helper()
	tool(tb, "chromium", "chromium")
	profile, err := os.MkdirTemp("", "barillet-browser-")
	if err != nil {
		tb.Fatalf("making a profile: %v", err)
	}
	if o.Language == "" {
		o.Language = "fr"
	}
	allocated, free := chromedp.NewExecAllocator(context.Background(), append(browserFlags(profile, o.Language), chromedp.Flag("ignore-certificate-errors-spki-list", o.KeyPin))...)
	ctx, cancel := chromedp.NewContext(allocated)
	b := &Browser{Base: strings.TrimRight(base, "/"), tb: tb, ctx: ctx, say: &console{documents: map[string]bool{}}}
	tb.Cleanup(func() {
		b.judgeConsole()
		cancel()
		free() // waits for the process, so that nothing writes to the profile
		if err := os.RemoveAll(profile); err != nil {
			tb.Logf("removing the profile of a browser: %v", err)
		}
	})
	// The first call starts the browser, and its context ends it: it must
	// have no time limit.
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("starting chromium: %v", err)
	}
	if err := chromedp.Listen(ctx, b.say.hear); err != nil {
		tb.Fatalf("listening to the console: %v", err)
	}
	b.language(o.Language)
	if o.AnyCertificate {
		call(b, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	}
	if o.NoScript {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	b.View(1280, 900)
	return b
}

func browserFlags(profile, language string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"),
		chromedp.NoSandbox, // tests run as root in containers, where the sandbox does not start
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", language),
		chromedp.UserDataDir(profile),
	)
}

// language sets Accept-Language, which the browser else fills from its own.
func (b *Browser) language(language string) {
	b.tb.Helper()
	agent := run(b, chromedp.Evaluate[string]("navigator.userAgent"))
	call(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
}

// run runs one action within patience and gives its value.
func run[T any](b *Browser, action chromedp.Action[T]) T {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.fail(err)
	}
	return value
}

// fail ends the test with what the page shows.
func (b *Browser) fail(err error) {
	b.tb.Helper()
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it does not come")
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText : ''"))
	b.tb.Fatalf("%v; the page %s says:\n%s", err, at, text)
}

// Open goes to a path below Base, or to a whole address, and gives the status
// of the page that it ends on.
func (b *Browser) Open(path string) int {
	b.tb.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.Base + path
	}
	return status(run(b, chromedp.NavigateResponse(path)))
}

func status(response *network.Response) int {
	if response == nil {
		return 0
	}
	return int(response.Status)
}

// Fill puts text into a field in place of what was there, in one go, as a
// paste does.
func (b *Browser) Fill(selector, text string) {
	b.tb.Helper()
	run(b, b.fill(selector, text))
}

func (b *Browser) fill(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.WaitVisible(chromedp.CSS(selector)),
		chromedp.Focus(chromedp.CSS(selector)),
		chromedp.Evaluate[chromedp.Void]("document.activeElement.select()"),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			if text == "" {
				_, err := chromedp.KeyEvent(kb.Delete)(ctx, t)
				return err
			}
			_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
			return err
		}))
}

// FillAndLeave fills a field whose script then sends the form by itself, and
// waits for the page that follows.
func (b *Browser) FillAndLeave(selector, text string) int {
	b.tb.Helper()
	return b.leave(b.fill(selector, text))
}

// Type presses the keys of a text in a field, one after the other.
func (b *Browser) Type(selector, text string) {
	b.tb.Helper()
	run(b, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press presses keys where the focus is: "\t" for Tab, "\r" for Enter.
func (b *Browser) Press(keys string) {
	b.tb.Helper()
	run(b, chromedp.KeyEvent(keys))
}

// Choose sets a select, or ticks the radio button or box with this selector.
func (b *Browser) Choose(selector, value string) {
	b.tb.Helper()
	if value == "" {
		b.Click(selector)
		return
	}
	run(b, chromedp.SetValue(chromedp.CSS(selector), value))
}

// Click clicks on what leads to no other page.
func (b *Browser) Click(selector string) {
	b.tb.Helper()
	run(b, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Submit clicks on a button or a link and waits for the page that follows;
// it gives that page's status.
func (b *Browser) Submit(selector string) int {
	b.tb.Helper()
	return b.leave(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *Browser) leave(step chromedp.Action[chromedp.Void]) int {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		b.fail(err)
	}
	return status(response)
}

// Wait waits until something with this selector is visible. After a ceremony
// of a script this, not Submit, is how to wait for the next page.
func (b *Browser) Wait(selector string) {
	b.tb.Helper()
	run(b, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// evaluate runs a script on the page.
func (b *Browser) evaluate(script string) {
	b.tb.Helper()
	run(b, chromedp.Evaluate[chromedp.Void](script+"\n;undefined"))
}

// Text is what a person reads of the first element with this selector.
func (b *Browser) Text(selector string) string {
	b.tb.Helper()
	return strings.TrimSpace(run(b, chromedp.Text(chromedp.CSS(selector))))
}

// Value is what a field holds.
func (b *Browser) Value(selector string) string {
	b.tb.Helper()
	return run(b, chromedp.Value(chromedp.CSS(selector)))
}

// Attribute is an attribute of the first element with this selector, "" when
// it has none.
func (b *Browser) Attribute(selector, name string) string {
	b.tb.Helper()
	return run(b, chromedp.AttributeValue(chromedp.CSS(selector), name)).Value
}

// Count is how many elements have this selector, visible or not. It does not
// wait.
func (b *Browser) Count(selector string) int {
	b.tb.Helper()
	return run(b, chromedp.Evaluate[int]("document.querySelectorAll("+quoted(selector)+").length"))
}

// Location is the address of the page.
func (b *Browser) Location() string {
	b.tb.Helper()
	return run(b, chromedp.Location())
}

// Path is the address of the page without what comes before its path.
func (b *Browser) Path() string {
	b.tb.Helper()
	return strings.TrimPrefix(b.Location(), b.Base)
}

// Cookies are those that the browser would send to the page.
func (b *Browser) Cookies() []*network.Cookie {
	b.tb.Helper()
	return call(b, network.GetCookies, network.GetCookiesParams{}).Cookies
}
