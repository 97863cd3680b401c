package cli

import "github.com/spf13/cobra"

// Parent returns a command that only has subcommands.
func Parent(name, short string, below ...*cobra.Command) *cobra.Command {
	parent := &cobra.Command{
		Use: name, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return WithHint(Usagef("%s has no command %q", c.CommandPath(), args[0]), "%s --help lists the commands", c.CommandPath())
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return WithHint(Usagef("%s requires a command", c.CommandPath()), "%s --help lists the commands", c.CommandPath())
		},
	}
	parent.AddCommand(below...)
	return parent
}

// ExactArgs returns a check for exactly these arguments.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		for i, name := range names {
			if i >= len(args) || args[i] == "" {
				return WithHint(Usagef("%s: %s is required", c.CommandPath(), name), "%s --help", c.CommandPath())
			}
		}
		if len(args) == len(names) {
			return nil
		}
		// The error does not contain the arguments: one may be a misplaced secret.
		return WithHint(Usagef("%s takes %d arguments, not %d", c.CommandPath(), len(names), len(args)), "%s --help", c.CommandPath())
	}
}
