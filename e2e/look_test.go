package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The widths at which pages are looked at: a phone, a tablet held upright, a
// desktop.
const (
	PhoneWidth   = 360
	TabletWidth  = 834
	DesktopWidth = 1280
)

// View sets the size of the window, in CSS pixels. Below DesktopWidth it is a
// touch screen.
func (b *Browser) View(width, height int64) {
	b.tb.Helper()
	var options []chromedp.EmulateViewportOption
	if width < DesktopWidth {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	run(b, chromedp.EmulateViewport(width, height, options...))
}

// Scheme asks for light or dark pages, and for none of the motion in which colours change: what is judged or
// taken a picture of stands still.
func (b *Browser) Scheme(scheme string) {
	b.tb.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		},
	})
}

// Page is a picture of the whole page, as PNG.
func (b *Browser) Page() []byte {
	b.tb.Helper()
	return run(b, chromedp.FullScreenshot(100))
}

// Picture is a picture of one element, twice as large, as PNG: a QR code so
// taken is read by ZbarImg.
func (b *Browser) Picture(selector string) []byte {
	b.tb.Helper()
	return run(b, chromedp.ScreenshotScale(chromedp.CSS(selector), 2))
}

// sticksOut is by how many pixels the page is wider than the window.
func (b *Browser) sticksOut() int {
	b.tb.Helper()
	return run(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
}

// Looks are the views in which Album takes a page.
var Looks = []struct {
	Name          string
	Width, Height int64
}{{"phone", PhoneWidth, 844}, {"tablet", TabletWidth, 1112}, {"desktop", DesktopWidth, 900}}

// Album keeps pictures of the page as it stands, in every view and both
// schemes, in the folder that BARILLET_ALBUM names, and does nothing when it
// names none.
func (b *Browser) Album(name string) {
	b.tb.Helper()
	folder := os.Getenv("BARILLET_ALBUM")
	if folder == "" {
		return
	}
	for _, look := range Looks {
		for _, scheme := range []string{"light", "dark"} {
			b.View(look.Width, look.Height)
			b.Scheme(scheme)
			file := filepath.Join(folder, fmt.Sprintf("%s.%s.%s.png", name, look.Name, scheme))
			if err := os.WriteFile(file, b.Page(), 0o600); err != nil {
				b.tb.Fatalf("keeping a picture: %v", err)
			}
		}
	}
	b.View(DesktopWidth, 900)
	b.Scheme("light")
}

// axeSource reads axe-core once.
var axeSource = sync.OnceValues(func() (string, error) {
	text, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	return string(text), err
})

// Axe gives what axe-core finds wrong with the page as it stands, one line
// for each element: rule, element, advice. It works under any content
// security policy, and in a browser with JavaScript switched off it does not.
func (b *Browser) Axe() []string {
	b.tb.Helper()
	source, err := axeSource()
	if err != nil {
		b.tb.Fatalf("axe-core is missing: run npm ci in e2e, or e2e/install-tools.sh: %v", err)
	}
	if run(b, chromedp.Evaluate[bool](`typeof axe === "undefined"`)) {
		b.evaluate(source)
	}
	return run(b, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then(found =>
		found.violations.flatMap(rule => rule.nodes.map(node =>
			rule.id + ": " + node.target.join(" ") + ": " + node.failureSummary.replace(/\s+/g, " "))))`,
		chromedp.EvalAwaitPromise))
}

// Accessible fails the test for everything that Axe finds.
func (b *Browser) Accessible(where string) {
	b.tb.Helper()
	if found := b.Axe(); len(found) > 0 {
		b.tb.Errorf("axe on %s:\n  %s", where, strings.Join(found, "\n  "))
	}
}
