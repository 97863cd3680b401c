package manage

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// choice adds a flag that takes one of a few words, which the shell completes. The check judges what was given; the
// flag can be left out.
func choice(c *cobra.Command, to *string, flag, meaning string, all []string) (check func(Reach) error) {
	c.Flags().StringVar(to, flag, "", meaning+": "+strings.Join(all, ", "))
	words(c, flag, all)
	return func(Reach) error {
		if *to == "" {
			return nil
		}
		return oneOf("--"+flag, *to, all)
	}
}

// words has the shell complete a flag.
func words(c *cobra.Command, flag string, all []string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the command has no such flag, which every test of it would meet
	}
}

// oneOf judges a word, named for the message.
func oneOf(what, said string, all []string) error {
	if !slices.Contains(all, said) {
		return cli.Misused("%s %q: want one of %s", what, said, strings.Join(all, ", "))
	}
	return nil
}
