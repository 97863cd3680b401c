// Package manage contains the subcommands that administer a service. Each command calls the REST API, which checks the
// permissions. The program supplies the connection; package usercsv knows the format of CSV files.
package manage

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

// CLI creates the subcommands of one run of the program.
type CLI struct {
	*cli.Program
	Version string // of the program, for the User-Agent header
	// Connector adds the flags that select a service to a command.
	Connector func(c *cobra.Command) Connector
	// ProofPage is the page that checks proofs of the audit log without the service.
	ProofPage []byte
	// FindDuplicates returns, for each row of a file, the addresses and keys that an earlier row has.
	FindDuplicates func(rows []usercsv.Row) [][]ImportCause
}

// Connector connects one command to its service.
type Connector interface {
	// Connect returns a client of the service. If create is set, it initializes a missing or empty data directory. The
	// caller must call Done.
	Connect(ctx context.Context, create bool) (*Client, error)
	// Remote reports whether the command uses a URL and an API token.
	Remote() bool
}

// Commands returns all subcommands.
func (m *CLI) Commands() []*cobra.Command {
	return []*cobra.Command{
		cli.Parent("token", "manage API tokens", m.tokenCreate(), m.tokenList(), m.tokenRevoke()),
		cli.Parent("user", "manage users", append(m.userLifecycle(), m.userAdd(), m.userShow(), m.userList(), m.userUpdate(), m.userExport(), m.userDelete(),
			m.userResetPassword(), m.userExpirePassword(), cli.Parent("sessions", "list and end sessions of users", m.sessionsList(), m.sessionsEnd()),
			cli.Parent("role", "manage roles of users", m.roleAdd(), m.roleList(), m.roleLimit(), m.roleRemove()))...),
		cli.Parent("factors", "manage devices of users", m.factorsList(), m.factorsRemove(), m.factorsFreeze(), m.factorsReset()),
		cli.Parent("approval", "approve or reject what needs a second administrator", m.approvalList(), m.approvalApprove(), m.approvalReject()),
		cli.Parent("group", "manage groups", m.groupAdd(), m.groupList(), m.groupShow(), m.groupRename(), m.groupDelete(),
			cli.Parent("members", "manage the members of a group", m.membersList(), m.membersAdd(), m.membersRemove())),
		cli.Parent("help-request", "handle help requests", m.helpList(), m.helpShow(), m.helpTake(), m.helpNote(), m.helpCheck(),
			m.helpAnswer(), m.helpClose(), m.helpReopen()),
		cli.Parent("report", "print reports", m.reportLockout(), m.reportSignIns()),
		cli.Parent("webhook", "manage webhooks", m.webhookAdd(), m.webhookList(), m.webhookShow(), m.webhookUpdate(),
			m.webhookRemove(), m.webhookTest(), m.webhookRotate(), m.webhookDeliveries()),
		cli.Parent("client", "manage applications that sign users in", m.clientAdd(), m.clientList(), m.clientShow(), m.clientUpdate(), m.clientRemove(), m.clientRotate()),
		cli.Parent("keys", "manage the keys that sign tokens", m.keysList(), m.keysRotate()),
		cli.Parent("audit", "read, verify and prove the audit log", m.auditList(), m.auditVerify(), m.auditProve(), m.auditHead(), m.auditExport(), m.auditErase()),
		m.importCommand(), m.exportCommand(),
	}
}

// run is the body of a command.
type run func(ctx context.Context, s *Client, args []string) error

// withClient completes a command that calls the service. The checks of the command line run before it connects.
func (m *CLI) withClient(c *cobra.Command, do run, checks ...func(connector Connector) error) *cobra.Command {
	return m.connect(c, false, do, checks...)
}

// withNewStore is like withClient, and initializes an empty data directory.
func (m *CLI) withNewStore(c *cobra.Command, do run, checks ...func(connector Connector) error) *cobra.Command {
	return m.connect(c, true, do, checks...)
}

func (m *CLI) connect(c *cobra.Command, create bool, do run, checks ...func(connector Connector) error) *cobra.Command {
	connector := m.Connector(c)
	m.JSONFlag(c)
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := checkLimits(c); err != nil {
			return err
		}
		for _, check := range checks {
			if err := check(connector); err != nil {
				return err
			}
		}
		s, err := connector.Connect(c.Context(), create)
		if err != nil {
			return err
		}
		defer s.Done()
		s.agent = "barillet/" + m.Version
		return do(c.Context(), s, args)
	}
	return c
}

// checkLimits refuses an empty value of a flag that limits what a command does or shows. A script passes one where its
// variable is not set, and without the flag the command concerns all.
func checkLimits(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		limits := slices.Contains([]string{"device", "group", "owner", "user"}, f.Name)
		if v := f.Value.String(); limits && (v == "" || v == "[]") {
			err = cli.Usagef("--%s is empty: name one, or leave the flag out", f.Name)
		}
	})
	return err
}
