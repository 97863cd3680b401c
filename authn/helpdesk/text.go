package helpdesk

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/throttle"
)

// Text is one submission of the form. It is trusted if the browser was known or had proven the password.
type Text struct {
	At             time.Time    `json:"at"`
	Reference      string       `json:"reference"` // "H-7K3F-2Q9M-4TBX"
	Source         string       `json:"source"`    // see sourceOf
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
)

func (t *Text) trusted() bool { return t.PasswordProven || t.KnownBrowser }

// sourceOf returns the source of a text: a known browser of the user, a proven password in a network, or the network alone.
func sourceOf(req account.RequestInfo, known, proven bool) string {
	switch {
	case known:
		return "browser " + req.Browser.Hash()[:16]
	case proven:
		return "password " + site(req.Address)
	}
	return site(req.Address)
}

// site returns the network that counts as one source: the widest of throttle.Networks.
func site(addr netip.Addr) string {
	networks := throttle.Networks(addr)
	return networks[len(networks)-1]
}

// textOf returns the text of a submission. u is zero for an unknown address.
func (q checkedSubmission) textOf(tx *account.Tx, u *account.User) Text {
	t := Text{At: tx.Op.Now, Topic: q.topic, Message: q.message, Address: tx.Op.Request.ClientAddress(),
		Agent: input.DescribeUserAgent(tx.Op.Request.Agent), PasswordProven: u.ID != "" && q.proven == u.ID,
		KnownBrowser: u.ID != "" && u.KnowsBrowser(tx.Op.Request.Browser, tx.Op.Now), Forgotten: q.forgotPassword}
	t.Source = sourceOf(tx.Op.Request, t.KnownBrowser, t.PasswordProven)
	return t
}

// TextsByTrust returns the texts with the trusted ones first, then by time.
func (c *Request) TextsByTrust() []Text {
	all := slices.Clone(c.Texts)
	slices.SortStableFunc(all, func(a, b Text) int {
		switch {
		case a.trusted() == b.trusted():
			return 0
		case a.trusted():
			return -1
		}
		return 1
	})
	return all
}

// addText adds the newest text. It displaces texts of its own source. If there is none, it displaces an untrusted text, or a
// trusted one if it is trusted and there are too many: of the source with most texts, the oldest first.
func (c *Request) addText(t Text) error {
	c.Texts = append(slices.Clone(c.Texts), t)
	for i := c.surplus(); i >= 0; i = c.surplus() {
		c.removeText(i)
	}
	if err := c.fit(); err != nil {
		return err
	}
	c.Topic = c.TextsByTrust()[0].Topic
	return nil
}

// ofSource returns the indexes of the texts of a source, oldest first.
func (c *Request) ofSource(source string) (all []int) {
	for i := range c.Texts {
		if c.Texts[i].Source == source {
			all = append(all, i)
		}
	}
	return all
}

// surplus returns the index of the text that the newest one displaces, or -1.
func (c *Request) surplus() int {
	newest := &c.Texts[len(c.Texts)-1]
	trusted := 0
	for i := range c.Texts {
		if c.Texts[i].trusted() {
			trusted++
		}
	}
	crowded := newest.trusted() && trusted > maxTrustedTexts
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
func (c *Request) leastNeeded(trusted bool) int {
	best, most := -1, 0
	var seen []string
	for i := range c.Texts[:len(c.Texts)-1] {
		t := &c.Texts[i]
		if t.trusted() != trusted {
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

func (c *Request) removeText(i int) {
	c.Texts = slices.Delete(c.Texts, i, i+1)
	c.Removed++
}

// fit makes the texts fit in the record beside the history. An untrusted text changes no trusted one.
func (c *Request) fit() error {
	rest, err := c.sizeWithoutTexts()
	if err != nil {
		return err
	}
	size := maxRequestSize - reservedSize - rest
	used := c.shrink(true, size-untrustedSize)
	c.shrink(false, size-used)
	return nil
}

// shrink cuts and then removes texts of one trust, until they have at most limit bytes, and returns their size. It begins with
// the texts that are not the newest of their source. The newest text is cut last if it is trusted, and never removed.
func (c *Request) shrink(trusted bool, limit int) (size int) {
	for i := range c.Texts {
		if c.Texts[i].trusted() == trusted {
			size += c.Texts[i].size()
		}
	}
	cut := func(spared func(i int) bool) {
		for i := 0; i < len(c.Texts) && size > limit; i++ {
			if t := &c.Texts[i]; t.trusted() == trusted && !spared(i) {
				before := t.size()
				t.Message = admin.Cut(t.Message, cutLength)
				size += t.size() - before
			}
		}
	}
	cut(c.isNewestOfSource)
	cut(func(i int) bool { return trusted && i == len(c.Texts)-1 })
	for size > limit {
		i := slices.IndexFunc(c.Texts[:len(c.Texts)-1], func(t Text) bool { return t.trusted() == trusted })
		if i < 0 {
			break
		}
		size -= c.Texts[i].size()
		c.removeText(i)
	}
	cut(func(int) bool { return false })
	return size
}

func (c *Request) isNewestOfSource(i int) bool {
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

// sizeWithoutTexts returns the stored size of the request without its texts.
func (c *Request) sizeWithoutTexts() (int, error) {
	bare := *c
	bare.Texts = nil
	raw, err := json.Marshal(bare)
	if err != nil {
		return 0, fmt.Errorf("encoding help request %q: %w", c.ID, err)
	}
	return len(raw), nil
}
