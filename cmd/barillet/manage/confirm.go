package manage

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// confirmFlag adds --yes to a command that cannot be undone. It returns a function that asks at a terminal, and fails
// without one, unless --yes is set.
func (m *CLI) confirmFlag(c *cobra.Command) func(format string, args ...any) error {
	yes := c.Flags().Bool("yes", false, "do not ask for confirmation")
	return func(format string, args ...any) error {
		if *yes {
			return nil
		}
		answer, err := m.Ask(fmt.Sprintf(format, args...) + "? [y/N] ")
		switch {
		case errors.Is(err, cli.ErrNoTerminal):
			return cli.WithHint(cli.Usagef("this cannot be undone, and there is no terminal to confirm it"), "set --yes")
		case err != nil:
			return err
		case answer != "y" && answer != "yes":
			return errors.New("nothing was changed")
		}
		return nil
	}
}
