package console

import (
	"barillet/authn/directory"
	"barillet/web/site"
)

// eventPages serves the pages of the audit log, and those of the webhooks to which its events are sent.
type eventPages struct {
	*Shell
	Directory *directory.Service // with its Admin
}

// Register registers the routes.
func (c *eventPages) Register(r *site.Router) {
	c.registerWebhooks(r)
	c.registerLog(r)
}
