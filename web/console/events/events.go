package events

import (
	"barillet/authn/directory"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// Pages serves the pages of the audit log, and those of the webhooks to which its events are sent.
type Pages struct {
	*shell.Shell
	Directory *directory.Service // with its Admin
}

// Register registers the routes.
func (c *Pages) Register(r *site.Router) {
	c.registerWebhooks(r)
	c.registerLog(r)
}
