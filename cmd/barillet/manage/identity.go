package manage

import (
	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// identityMethods are the words for --identity (PROTOCOL 24).
var identityMethods = []string{"in_person", "called_back", "manager_confirmed", "photo_document"}

// identityCheck is how somebody made sure who is asking.
type identityCheck struct {
	Way string `json:"way"`
	By  string `json:"by,omitempty"`
}

// flags adds those that say it; the check judges what they were given.
func (k *identityCheck) flags(c *cobra.Command) (check func(Connector) error) {
	known := choiceFlag(c, &k.Way, "identity", "how you made sure who is asking", identityMethods)
	c.Flags().StringVar(&k.By, "identity-by", "", "who saw the person, or which manager confirmed")
	return func(r Connector) error {
		if k.By != "" && k.Way == "" {
			return cli.Usagef("--identity-by goes with --identity")
		}
		return known(r)
	}
}

// given is what was said; nil for nothing.
func (k *identityCheck) given() *identityCheck {
	if *k == (identityCheck{}) {
		return nil
	}
	return k
}
