package manage

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// choiceFlag adds a flag that takes one of a few words, which the shell completes. The check judges what was given; the
// flag can be left out.
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

// completeWords has the shell complete a flag.
func completeWords(c *cobra.Command, flag string, all []string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the command has no such flag, which every test of it would meet
	}
}

// oneOf judges a word, named for the message.
func oneOf(what, said string, all []string) error {
	if !slices.Contains(all, said) {
		return cli.Usagef("%s %q: want one of %s", what, said, strings.Join(all, ", "))
	}
	return nil
}
