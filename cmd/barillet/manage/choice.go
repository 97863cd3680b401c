package manage

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// choiceFlag adds an optional flag with a fixed set of values, which the shell completes. It returns the check of the value.
func choiceFlag(c *cobra.Command, to *string, flag, meaning string, all []string) (check func(Connector) error) {
	c.Flags().StringVar(to, flag, "", meaning+": "+strings.Join(all, ", "))
	completeWords(c, flag, all)
	return func(Connector) error {
		if *to == "" {
			return nil
		}
		return oneOf("--"+flag, *to, all)
	}
}

// completeWords makes the shell complete the values of a flag.
func completeWords(c *cobra.Command, flag string, all []string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the command has no such flag: every test of it would fail
	}
}

// oneOf returns an error if a value is not one of all; what names it.
func oneOf(what, value string, all []string) error {
	if !slices.Contains(all, value) {
		return cli.Usagef("%s %q: want one of %s", what, value, strings.Join(all, ", "))
	}
	return nil
}
