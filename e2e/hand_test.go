package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

// hand counts what the hands and eyes of users do, and how long that takes.
type hand struct{ pages, taps, texts, codes, scans int }

// Times of the movements of a hand.
const (
	pageTime = 4 * time.Second // to read a page
	tapTime  = 1500 * time.Millisecond
	textTime = 8 * time.Second // an address, a name, a password, a reason
	codeTime = 10 * time.Second
	scanTime = 15 * time.Second
)

func (h *hand) seconds() float64 {
	return (time.Duration(h.pages)*pageTime + time.Duration(h.taps)*tapTime + time.Duration(h.texts)*textTime +
		time.Duration(h.codes)*codeTime + time.Duration(h.scans)*scanTime).Seconds()
}

func (h *hand) String() string {
	return fmt.Sprintf("%d pages, %d taps, %d texts, %d codes, %d scans: %.1f s", h.pages, h.taps, h.texts, h.codes, h.scans, h.seconds())
}

// within fails the test if the movements last longer.
func (h *hand) within(tb testing.TB, limit time.Duration) {
	tb.Helper()
	tb.Logf("hand time: %s", h)
	if h.seconds() > limit.Seconds() {
		tb.Errorf("got %.1f s of hand time, want at most %.0f", h.seconds(), limit.Seconds())
	}
}

// handler is a user whose movements are counted.
type handler struct {
	*Person
	hand  *hand
	phone *Phone
}

// reads counts the page that the user sees.
func (p *handler) reads() { p.hand.pages++ }

// taps presses a link or button, and reads the page that follows.
func (p *handler) taps(selector string) {
	p.tb.Helper()
	p.Submit(selector)
	p.hand.taps++
	p.reads()
}

// ticks presses what leads to no other page.
func (p *handler) ticks(selector string) {
	p.tb.Helper()
	p.Click(selector)
	p.hand.taps++
}

// writes types a text into a field.
func (p *handler) writes(selector, text string) {
	p.tb.Helper()
	p.Fill(selector, text)
	p.hand.texts++
}

// copies types a code or digits into a field, presses the button, and reads the page that follows.
func (p *handler) copies(selector, code string) {
	p.tb.Helper()
	p.Fill(selector, code)
	p.hand.codes++
	p.taps(mainButton)
}

// proves types the code of the phone that an operation asks for.
func (p *handler) proves() {
	p.tb.Helper()
	p.at("/account/prove")
	p.types(p.phone.Next())
}

// types types the six digits of a phone, of which the last sends the form, and reads the page that follows.
func (p *handler) types(code string) {
	p.tb.Helper()
	p.enter(code)
	p.hand.codes++
	p.reads()
}
