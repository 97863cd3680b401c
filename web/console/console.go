package console

import (
	"net/http"

	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/handover"
	"barillet/internal/mail"
	"barillet/store"
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
	*shell
	Directory *directory.Service // with its Admin and HelpDesk
	Handover  *handover.Service
	Outbox    *mail.Outbox
}

// New returns the pages of the console.
func New(s *site.Site, directory *directory.Service, handover *handover.Service, c Config) *Pages {
	pages := &Pages{Directory: directory, Handover: handover, Outbox: c.Outbox}
	pages.shell = newShell(s, directory.Admin, c.Ring, pages.sections(s.OIDC != nil))
	return pages
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (c *Pages) Register(r *site.Router) {
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
	(&eventPages{shell: c.shell, Directory: c.Directory}).register(r)
}

// sections returns the navigation, in its order.
func (c *Pages) sections(applications bool) []section {
	all := []section{
		{name: "start", path: "/console", need: admin.PermRead},
		{name: "requests", path: requestsPath, need: admin.PermRead, waiting: c.waitingRequests},
		{name: "people", path: personPath, need: admin.PermRead},
		{name: "groups", path: groupsPath, need: admin.PermRead},
		{name: "roles", path: rolesPath, need: admin.PermRead, unscoped: true},
		{name: "approvals", path: approvalsPath, need: admin.PermRead, unscoped: true, waiting: c.waitingApprovals},
		{name: "tokens", path: tokensPath, need: admin.PermListTokens},
	}
	if applications {
		all = append(all, section{name: "applications", path: applicationsPath, need: admin.PermReadConfiguration, unscoped: true})
	}
	return append(all,
		section{name: "webhooks", path: webhooksPath, need: admin.PermReadConfiguration, unscoped: true},
		section{name: "mail", path: mailPath, need: admin.PermRead, unscoped: true},
		section{name: "log", path: logPath, need: admin.PermRead},
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
