package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// memberFlags maps flags to members of a profile.
var memberFlags = map[string]string{"login": "login", "email": "email", "second-email": "secondEmail",
	"first-name": "firstName", "last-name": "lastName", "locale": "locale", "primary-phone": "primaryPhone", "mobile-phone": "mobilePhone"}

// updateFlags are the flags of user update.
type updateFlags struct {
	set, unset []string
	members    map[string]*string // by member
}

func (m *CLI) userUpdate() *cobra.Command {
	u := updateFlags{members: map[string]*string{}}
	c := &cobra.Command{
		Use: "update EMAIL", Short: "update the profile of a user",
		Long: "Sets the members that the flags name and keeps the others. If an address changes, all sessions of the user end, and the old\n" +
			"and the new address are notified. The user is also notified of a new telephone number; nobody calls back on it for 72 hours.",
		Args: cli.ExactArgs("EMAIL"),
	}
	for flag, member := range memberFlags {
		u.members[member] = c.Flags().String(flag, "", "new "+flag+"; empty removes it")
	}
	c.Flags().StringArrayVar(&u.set, "set", nil, "set another member, as NAME=VALUE; can be repeated")
	c.Flags().StringArrayVar(&u.unset, "unset", nil, "remove another member, by name; can be repeated")
	var profile map[string]any
	change := func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0]), map[string]any{"profile": profile}, &raw); err != nil {
			return fmt.Errorf("updating %s: %w", args[0], err)
		}
		if waits, err := m.waits(raw); waits || err != nil {
			return err
		}
		m.Note("%s updated", args[0])
		return m.printResult(raw)
	}
	return m.withClient(c, change, func(Connector) (err error) {
		profile, err = u.profile(c)
		return err
	})
}

// profile returns the members that the flags set; nil removes a member.
func (u updateFlags) profile(c *cobra.Command) (map[string]any, error) {
	out := map[string]any{}
	for flag, member := range memberFlags {
		if c.Flags().Changed(flag) {
			if out[member] = *u.members[member]; *u.members[member] == "" {
				out[member] = nil
			}
		}
	}
	for _, pair := range u.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || u.members[name] != nil {
			return nil, cli.Usagef("--set %q: want NAME=VALUE, with a member that has no flag", name)
		}
		out[name] = value
	}
	for _, name := range u.unset {
		if name == "" || u.members[name] != nil {
			return nil, cli.Usagef("--unset %q: want a member that has no flag", name)
		}
		out[name] = nil
	}
	if len(out) == 0 {
		return nil, cli.WithHint(cli.Usagef("no flag sets a value"), "%s --help lists the flags", c.CommandPath())
	}
	return out, nil
}
