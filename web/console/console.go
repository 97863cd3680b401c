package console

import (
	"net/http"

	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/handover"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/web/console/events"
	"barillet/web/console/shell"
	"barillet/web/reply"
	"barillet/web/site"
)

// Config contains what the console needs beside the services of other pages. All fields are required.
type Config struct {
	Outbox *mail.Outbox
	Ring   *store.Keyring // encrypts the stored answers
}

// Pages serves the console.
type Pages struct {
	*shell.Shell
	Directory *directory.Service // with its Admin and HelpDesk
	Handover  *handover.Service
	Outbox    *mail.Outbox
}

// New returns the pages of the console.
func New(s *site.Site, directory *directory.Service, handover *handover.Service, c Config) *Pages {
	pages := &Pages{Directory: directory, Handover: handover, Outbox: c.Outbox}
	pages.Shell = shell.New(s, directory.Admin, c.Ring, pages.sections(s.OIDC != nil))
	return pages
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (c *Pages) Register(r *site.Router) {
	c.RegisterRole(r)
	c.registerStart(r)
	c.registerRequests(r)
	c.registerHandOver(r)
	c.registerPeople(r)
	c.registerGroups(r)
	c.registerRoles(r)
	c.registerApprovals(r)
	c.registerTokens(r)
	if c.OIDC != nil {
		c.registerApplications(r)
	}
	c.registerMail(r)
	(&events.Pages{Shell: c.Shell, Directory: c.Directory}).Register(r)
}

// sections returns the navigation, in its order.
func (c *Pages) sections(applications bool) []shell.Section {
	all := []shell.Section{
		{Name: "start", Path: "/console", Need: admin.PermRead},
		{Name: "requests", Path: requestsPath, Need: admin.PermRead, Waiting: c.waitingRequests},
		{Name: "people", Path: shell.PeoplePath, Need: admin.PermRead},
		{Name: "groups", Path: groupsPath, Need: admin.PermRead},
		{Name: "roles", Path: rolesPath, Need: admin.PermRead, Unscoped: true},
		{Name: "approvals", Path: approvalsPath, Need: admin.PermRead, Unscoped: true, Waiting: c.waitingApprovals},
		{Name: "tokens", Path: tokensPath, Need: admin.PermListTokens},
	}
	if applications {
		all = append(all, shell.Section{Name: "applications", Path: applicationsPath, Need: admin.PermReadConfiguration, Unscoped: true})
	}
	return append(all,
		shell.Section{Name: "webhooks", Path: events.WebhooksPath, Need: admin.PermReadConfiguration, Unscoped: true},
		shell.Section{Name: "mail", Path: mailPath, Need: admin.PermRead, Unscoped: true},
		shell.Section{Name: "log", Path: events.LogPath, Need: admin.PermRead},
	)
}

// waitingRequests returns the number of requests that nobody has, for the navigation. A page is not refused for lack of it.
func (c *Pages) waitingRequests(r *http.Request, p admin.Principal) int {
	n, _, err := c.Directory.HelpDesk.CountOpen(r.Context(), p, maxShownRequests)
	if err != nil {
		reply.Report(r, err)
	}
	return n
}

// waitingApprovals returns the number of resets that wait for an approval, for the navigation.
func (c *Pages) waitingApprovals(r *http.Request, p admin.Principal) int {
	all, _, err := c.Directory.HelpDesk.Approvals(r.Context(), p, "", maxShownRequests)
	if err != nil {
		reply.Report(r, err)
	}
	return len(all)
}
