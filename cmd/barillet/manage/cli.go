// Package manage owns the operator's subcommands. Each is a client of the REST API and of nothing else: what an
// operator may do is judged there, whichever way the command came. It does not own how the service is reached, which the
// program hands in, nor the format of lists of people (internal/usercsv).
package manage

import (
	"context"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

// CLI makes the subcommands of one run.
type CLI struct {
	*cli.Program
	Version string // of the program, for the service's log
	// Connector adds to a command the flags that say which service it is for.
	Connector func(c *cobra.Command) Connector
	// FindDuplicates returns, for each row of a file, the addresses and keys that an earlier row has.
	FindDuplicates func(rows []usercsv.Row) [][]ImportCause
}

// Connector is the way of one command to its service.
type Connector interface {
	// Connect finds the service; with found, a missing or empty data folder is initialised. Call Done afterwards.
	Connect(ctx context.Context, found bool) (*Client, error)
	// Remote tells whether it is another machine's, spoken to with a token.
	Remote() bool
}

// Commands are all of them.
func (m *CLI) Commands() []*cobra.Command {
	return []*cobra.Command{
		cli.Parent("token", "API tokens", m.tokenCreate(), m.tokenList(), m.tokenRevoke()),
		cli.Parent("user", "people", append(m.userLifecycle(), m.userAdd(), m.userShow(), m.userList(), m.userUpdate(), m.userDelete(),
			m.userResetPassword(), m.userExpirePassword(), cli.Parent("sessions", "where people are signed in", m.sessionsList(), m.sessionsEnd()),
			cli.Parent("role", "roles of people", m.roleAdd(), m.roleList(), m.roleLimit(), m.roleRemove()))...),
		cli.Parent("factors", "second factors of people", m.factorsList(), m.factorsRemove(), m.factorsReset()),
		cli.Parent("approval", "resets that wait for a second administrator", m.approvalList(), m.approvalApprove(), m.approvalReject()),
		cli.Parent("group", "garages", m.groupAdd(), m.groupList(), m.groupShow(), m.groupRename(), m.groupDelete(),
			cli.Parent("members", "people of a garage", m.membersList(), m.membersAdd(), m.membersRemove())),
		cli.Parent("help-request", "requests for help", m.helpList(), m.helpShow(), m.helpTake(), m.helpNote(), m.helpCheck(),
			m.helpAnswer(), m.helpClose(), m.helpReopen()),
		cli.Parent("report", "what to look at before something goes wrong", m.reportLockout()),
		cli.Parent("webhook", "programs that are told of events", m.webhookAdd(), m.webhookList(), m.webhookShow(), m.webhookUpdate(),
			m.webhookRemove(), m.webhookTest(), m.webhookRotate(), m.webhookDeliveries()),
		cli.Parent("client", "applications that sign people in", m.clientAdd(), m.clientList(), m.clientShow(), m.clientUpdate(), m.clientRemove(), m.clientRotate()),
		cli.Parent("keys", "keys that tokens of applications are signed with", m.keysList(), m.keysRotate()),
		cli.Parent("audit", "what was done, by whom", m.auditList()),
		m.importCommand(), m.exportCommand(),
	}
}

// run is what a command does with its service.
type run func(ctx context.Context, s *Client, args []string) error

// withClient completes a command that speaks to the service. The checks come first: a command line that makes no sense
// reaches nothing.
func (m *CLI) withClient(c *cobra.Command, do run, checks ...func(reach Connector) error) *cobra.Command {
	return m.connect(c, false, do, checks...)
}

// withNewStore is calling for a command that may begin with an empty data folder.
func (m *CLI) withNewStore(c *cobra.Command, do run, checks ...func(reach Connector) error) *cobra.Command {
	return m.connect(c, true, do, checks...)
}

func (m *CLI) connect(c *cobra.Command, found bool, do run, checks ...func(reach Connector) error) *cobra.Command {
	reach := m.Connector(c)
	m.JSONFlag(c)
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, args []string) error {
		for _, check := range checks {
			if err := check(reach); err != nil {
				return err
			}
		}
		s, err := reach.Connect(c.Context(), found)
		if err != nil {
			return err
		}
		defer s.Done()
		s.agent = "barillet/" + m.Version
		return do(c.Context(), s, args)
	}
	return c
}
