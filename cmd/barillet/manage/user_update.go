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

// memberFlags are the members of a profile that have a flag of their own.
var memberFlags = map[string]string{"login": "login", "email": "email", "second-email": "secondEmail",
	"first-name": "firstName", "last-name": "lastName", "locale": "locale"}

// updateFlags is what user update was told.
type updateFlags struct {
	set, unset []string
	members    map[string]*string // by the profile's names
}

func (m *CLI) userUpdate() *cobra.Command {
	u := updateFlags{members: map[string]*string{}}
	c := &cobra.Command{
		Use: "update EMAIL", Short: "change names, addresses or further members of a profile",
		Long: "Changes what is named and leaves the rest. When an address moves, every session of the person ends and the\n" +
			"addresses of before and after are told.",
		Args: cli.ExactArgs("EMAIL"),
	}
	for flag, member := range memberFlags {
		u.members[member] = c.Flags().String(flag, "", "new "+flag+"; empty takes it away")
	}
	c.Flags().StringArrayVar(&u.set, "set", nil, "NAME=VALUE of a further member; may be given again")
	c.Flags().StringArrayVar(&u.unset, "unset", nil, "name of a further member to take away; may be given again")
	var profile map[string]any
	change := func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0]), map[string]any{"profile": profile}, &raw); err != nil {
			return fmt.Errorf("changing %s: %w", args[0], err)
		}
		m.Note("%s is changed", args[0])
		return m.printResult(raw)
	}
	return m.withClient(c, change, func(Connector) (err error) {
		profile, err = u.profile(c)
		return err
	})
}

// profile is what the flags name.
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
			return nil, cli.Usagef("--set %q: want NAME=VALUE of a member that has no flag of its own", name)
		}
		out[name] = value
	}
	for _, name := range u.unset {
		if name == "" || u.members[name] != nil {
			return nil, cli.Usagef("--unset %q: want the name of a member that has no flag of its own", name)
		}
		out[name] = nil
	}
	if len(out) == 0 {
		return nil, cli.WithHint(cli.Usagef("nothing is to be changed"), "%s --help lists the flags", c.CommandPath())
	}
	return out, nil
}
