package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

func (m *CLI) userExport() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "export EMAIL", Short: "write all that is kept about a user as JSON",
		Long: "Writes the answer to an access request: profile, groups, roles, devices, sessions, known browsers, applications, help requests,\n" +
			"waiting emails and the events that name the user, without secrets. Needs the operator or a SUPER_ADMIN of all groups. An event states it.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&file, "out", "", "new file, mode 0600; stdout without it")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0], "/export"), nil, &all); err != nil {
			return fmt.Errorf("exporting %s: %w", args[0], err)
		}
		var text bytes.Buffer
		if err := json.Indent(&text, all, "", "  "); err != nil {
			return fmt.Errorf("exporting %s: %w", args[0], err)
		}
		text.WriteByte('\n')
		return m.write(file, text.Bytes())
	})
}
