package helpdesk

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"barillet/authn/account"
	"barillet/authn/helpdesk/text"
	"barillet/internal/input"
	"barillet/internal/throttle"
)

// Text is one submission of the form.
type Text = text.Text

// TextsByTrust returns the texts with the trusted ones first, then by time.
func (c *Request) TextsByTrust() []Text { return text.ByTrust(c.Texts) }

// addText adds the newest text, which may displace others (protocol rule 19).
func (c *Request) addText(t Text) error {
	rest, err := c.sizeWithoutTexts()
	if err != nil {
		return err
	}
	list := text.List{Texts: c.Texts, Removed: c.Removed}
	list.Add(t, maxRequestSize-reservedSize-rest)
	c.Texts, c.Removed = list.Texts, list.Removed
	c.Topic = c.TextsByTrust()[0].Topic
	return nil
}

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
