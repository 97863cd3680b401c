// Package text owns the texts of a help request: which of them a request keeps, and in which order they are shown (protocol
// rule 19). It does not own who sent them.
package text

import (
	"encoding/json"
	"slices"
	"sort"
	"time"

	"barillet/authn/admin"
	"barillet/internal/notice"
)

// List contains the texts of a request, oldest first.
type List struct {
	Texts   []Text
	Removed int // number of texts that others displaced
}

// Text is one submission of the form. It is trusted if the browser was known or had proven the password.
type Text struct {
	At             time.Time    `json:"at"`
	Reference      string       `json:"reference"` // "H-7K3F-2Q9M-4TBX"
	Source         string       `json:"source"`    // see helpdesk.sourceOf
	Topic          notice.Topic `json:"topic"`
	Message        string       `json:"message,omitempty"`
	Address        string       `json:"address,omitempty"`        // IP address of the client
	Agent          string       `json:"agent,omitempty"`          // "Firefox, Android"
	PasswordProven bool         `json:"passwordProven,omitempty"` // the browser had proven the password of the user
	KnownBrowser   bool         `json:"knownBrowser,omitempty"`   // the user had signed in on the browser
	Forgotten      bool         `json:"forgotten,omitempty"`      // sent by the password form, for a user without a device
}

// The places of a request. A source that writes more replaces its own texts (protocol rule 19).
const (
	maxTexts        = 16
	maxTrustedTexts = 8 // so that an untrusted text always has a place
	maxPerSource    = 4
	firstSources    = 4   // the last text of one of the first sources is not displaced by others
	cutLength       = 400 // characters of a text that does not fit

	untrustedSize = 4 << 10 // reserved for untrusted texts
)

// Trusted reports whether the browser was known or had proven the password.
func (t *Text) Trusted() bool { return t.PasswordProven || t.KnownBrowser }

// ByTrust returns texts with the trusted ones first, then by time.
func ByTrust(texts []Text) []Text {
	all := slices.Clone(texts)
	sort.SliceStable(all, func(i, j int) bool { return all[i].Trusted() && !all[j].Trusted() })
	return all
}

// Add adds the newest text. It displaces texts of its own source. If there is none, it displaces an untrusted text, or a
// trusted one if it is trusted and there are too many: of the source with most texts, the oldest first. Then texts are cut or
// removed until all have at most limit bytes in the record.
func (c *List) Add(t Text, limit int) {
	c.Texts = append(slices.Clone(c.Texts), t)
	for i := c.surplus(); i >= 0; i = c.surplus() {
		c.remove(i)
	}
	// An untrusted text changes no trusted one.
	used := c.shrink(true, limit-untrustedSize)
	c.shrink(false, limit-used)
}

// ofSource returns the indexes of the texts of a source, oldest first.
func (c *List) ofSource(source string) (all []int) {
	for i := range c.Texts {
		if c.Texts[i].Source == source {
			all = append(all, i)
		}
	}
	return all
}

// surplus returns the index of the text that the newest one displaces, or -1.
func (c *List) surplus() int {
	newest := &c.Texts[len(c.Texts)-1]
	trusted := 0
	for i := range c.Texts {
		if c.Texts[i].Trusted() {
			trusted++
		}
	}
	crowded := newest.Trusted() && trusted > maxTrustedTexts
	own := c.ofSource(newest.Source)
	switch {
	case len(own) > maxPerSource, len(own) > 1 && (crowded || len(c.Texts) > maxTexts):
		return own[0]
	case crowded || len(c.Texts) > maxTexts:
		return c.leastNeeded(crowded)
	}
	return -1
}

// leastNeeded returns the index of a text other than the newest: the oldest of the source with most texts. It spares the last
// text of each of the first sources. It returns -1 if there is none.
func (c *List) leastNeeded(trusted bool) int {
	best, most := -1, 0
	var seen []string
	for i := range c.Texts[:len(c.Texts)-1] {
		t := &c.Texts[i]
		if t.Trusted() != trusted {
			continue
		}
		if !slices.Contains(seen, t.Source) {
			seen = append(seen, t.Source)
		}
		n := len(c.ofSource(t.Source))
		if n > most && (n > 1 || slices.Index(seen, t.Source) >= firstSources) {
			best, most = i, n
		}
	}
	return best
}

func (c *List) remove(i int) {
	c.Texts = slices.Delete(c.Texts, i, i+1)
	c.Removed++
}

// shrink cuts and then removes texts of one trust, until they have at most limit bytes, and returns their size. It begins with
// the texts that are not the newest of their source. The newest text is cut last if it is trusted, and never removed.
func (c *List) shrink(trusted bool, limit int) (size int) {
	for i := range c.Texts {
		if c.Texts[i].Trusted() == trusted {
			size += c.Texts[i].size()
		}
	}
	cut := func(spared func(i int) bool) {
		for i := 0; i < len(c.Texts) && size > limit; i++ {
			if t := &c.Texts[i]; t.Trusted() == trusted && !spared(i) {
				before := t.size()
				t.Message = admin.Cut(t.Message, cutLength)
				size += t.size() - before
			}
		}
	}
	cut(c.isNewestOfSource)
	cut(func(i int) bool { return trusted && i == len(c.Texts)-1 })
	for size > limit {
		i := slices.IndexFunc(c.Texts[:len(c.Texts)-1], func(t Text) bool { return t.Trusted() == trusted })
		if i < 0 {
			break
		}
		size -= c.Texts[i].size()
		c.remove(i)
	}
	cut(func(int) bool { return false })
	return size
}

func (c *List) isNewestOfSource(i int) bool {
	own := c.ofSource(c.Texts[i].Source)
	return own[len(own)-1] == i
}

// size returns the stored size of the text.
func (t *Text) size() int {
	raw, err := json.Marshal(t)
	if err != nil { // not reached: each field can be encoded
		panic(err)
	}
	return len(raw) + 1
}
