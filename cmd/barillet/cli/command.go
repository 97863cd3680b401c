package cli

import "github.com/spf13/cobra"

// Parent is a command that does nothing but have others below it.
func Parent(name, short string, below ...*cobra.Command) *cobra.Command {
	parent := &cobra.Command{
		Use: name, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return WithHint(Usagef("%s has no command %q", c.CommandPath(), args[0]), "%s --help lists them", c.CommandPath())
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return WithHint(Usagef("%s does nothing alone", c.CommandPath()), "%s --help lists its commands", c.CommandPath())
		},
	}
	parent.AddCommand(below...)
	return parent
}

// ExactArgs demands so many arguments, named for the message.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == len(names):
			return nil
		case len(args) < len(names):
			return WithHint(Usagef("%s: %s is missing", c.CommandPath(), names[len(args)]), "%s --help", c.CommandPath())
		}
		// The argument is not repeated: it may be a secret given in the wrong place.
		return WithHint(Usagef("%s takes %d arguments, not %d", c.CommandPath(), len(names), len(args)), "%s --help", c.CommandPath())
	}
}
