package manage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

func (m *CLI) auditExport() *cobra.Command {
	var file string
	var after int64
	c := &cobra.Command{
		Use: "export", Short: "write the entries of the audit log, for a restore",
		Long: "Writes each entry as a line of JSON, with its number, lane and salt, in any order. restore --log verifies the file up to a head\n" +
			"that audit head wrote before, and needs the entries since the backup. The file contains names and addresses.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&file, "out", "", "new file for the entries; stdout without it")
	c.Flags().Int64Var(&after, "after", -1, "leave out the entries up to this number")
	c = m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		if file == "" {
			return s.exportEntries(ctx, m.Stdout, after+1)
		}
		out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("creating file: %w", err)
		}
		if err = errors.Join(s.exportEntries(ctx, out, after+1), out.Close()); err != nil {
			os.Remove(file)
		}
		return err
	}, func(Connector) error {
		if after < -1 {
			return cli.Usagef("--after: want 0 or more")
		}
		return nil
	})
	c.Flags().Lookup("json").Hidden = true // an entry is JSON
	return c
}

// exportEntries writes the entries from the number first, a page at a time.
func (c *Client) exportEntries(ctx context.Context, w io.Writer, first int64) error {
	out := bufio.NewWriter(w)
	for after, begun := "", false; !begun || after != ""; begun = true {
		var page struct {
			Entries []json.RawMessage `json:"entries"`
			Next    string            `json:"next"`
		}
		values := url.Values{"first": {strconv.FormatInt(first, 10)}}
		if after != "" {
			values.Set("after", after)
		}
		if err := c.call(ctx, http.MethodGet, "/logs/entries?"+values.Encode(), nil, &page); err != nil {
			return fmt.Errorf("exporting the audit log: %w", err)
		}
		for _, entry := range page.Entries {
			out.Write(entry)
			out.WriteByte('\n') // Flush returns the error
		}
		after = page.Next
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing entries: %w", err)
	}
	return nil
}
