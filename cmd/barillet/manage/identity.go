package manage

import (
	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// identityMethods are the values of --identity (protocol rule 24).
var identityMethods = []string{"in_person", "called_back", "manager_confirmed", "photo_document"}

// identityCheck is the method by which an administrator checked who the sender is.
type identityCheck struct {
	Method string `json:"method"`
	By     string `json:"by,omitempty"`
	Number string `json:"number,omitempty"` // member of the profile; in a response the end of the number
	Result string `json:"result,omitempty"`
}

// flags adds the flags and returns the check of their values.
func (k *identityCheck) flags(c *cobra.Command) (check func(Connector) error) {
	known := choiceFlag(c, &k.Method, "identity", "how you checked the identity of the user", identityMethods)
	c.Flags().StringVar(&k.By, "identity-by", "", "who met the user, or the manager who confirmed")
	number := choiceFlag(c, &k.Number, "identity-number", "which number on file you called back; the first that may be called if the flag is absent", []string{"mobilePhone", "primaryPhone"})
	return func(r Connector) error {
		if err := number(r); err != nil {
			return err
		}
		switch {
		case k.By != "" && k.Method == "":
			return cli.Usagef("--identity-by requires --identity")
		case k.Number != "" && k.Method == "":
			return cli.Usagef("--identity-number requires --identity")
		}
		return known(r)
	}
}

// given returns the check, or nil without the flags.
func (k *identityCheck) given() *identityCheck {
	if *k == (identityCheck{}) {
		return nil
	}
	return k
}
