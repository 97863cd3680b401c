package manage

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// confirmFlag is for commands that cannot be undone: they ask at a terminal, and elsewhere demand --yes.
func (m *CLI) confirmFlag(c *cobra.Command) func(format string, args ...any) error {
	yes := c.Flags().Bool("yes", false, "do not ask")
	return func(format string, args ...any) error {
		if *yes {
			return nil
		}
		answer, err := m.Ask(fmt.Sprintf(format, args...) + "? [y/N] ")
		switch {
		case errors.Is(err, cli.ErrNoTerminal):
			return cli.WithHint(cli.Usagef("this cannot be undone, and nobody can be asked"), "give --yes")
		case err != nil:
			return err
		case answer != "y" && answer != "yes":
			return errors.New("nothing was changed")
		}
		return nil
	}
}
