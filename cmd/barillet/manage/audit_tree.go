package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// verifyTimeout is the time limit of audit verify, which reads the whole log.
const verifyTimeout = time.Hour

// auditReport is the result of audit verify.
type auditReport struct {
	Entries  int64 `json:"entries"`
	Removed  int64 `json:"removed"`
	Erased   int64 `json:"erased"`
	Pending  int64 `json:"pending"`
	Unsigned int64 `json:"unsigned"`
	Heads    int64 `json:"heads"`
	Bad      *struct {
		ID     string `json:"id,omitempty"`
		Number int64  `json:"number"`
		Reason string `json:"reason"`
	} `json:"bad,omitempty"`
}

func (r auditReport) err() error {
	switch bad := r.Bad; {
	case bad == nil:
		return nil
	case bad.ID == "":
		return fmt.Errorf("the audit log was changed: entry number %d: %s", bad.Number, cli.Plain(bad.Reason))
	case bad.Number < 0:
		return fmt.Errorf("the audit log was changed: event %s: %s", cli.Plain(bad.ID), cli.Plain(bad.Reason))
	default:
		return fmt.Errorf("the audit log was changed: event %s, number %d: %s", cli.Plain(bad.ID), bad.Number, cli.Plain(bad.Reason))
	}
}

func (m *CLI) auditVerify() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "verify", Short: "check that no entry of the audit log was changed, removed or inserted",
		Long: "Computes the hash of each event anew and compares it with the tree of the log and with its signed heads. It prints counts, or\n" +
			"names the first wrong entry and ends with an error. With --head it also compares the log with a head that audit head\n" +
			"exported: only such a head shows that the whole store was replaced by an older one.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&file, "head", "", "file with an older head")
	var in struct {
		Head string `json:"head,omitempty"`
	}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		s.http.Timeout = verifyTimeout
		var out auditReport
		if err := s.call(ctx, http.MethodPost, "/logs/verify", in, &out); err != nil {
			return fmt.Errorf("verifying the audit log: %w", err)
		}
		if m.JSON {
			if err := m.Result(out); err != nil {
				return err
			}
		}
		if err := out.err(); err != nil || m.JSON {
			return err
		}
		return m.Table([][]string{{"unchanged", fmt.Sprint(out.Entries)}, {"removed by policy", fmt.Sprint(out.Removed)}, {"erased", fmt.Sprint(out.Erased)},
			{"not numbered yet", fmt.Sprint(out.Pending)}, {"not signed yet", fmt.Sprint(out.Unsigned)}, {"heads that agree", fmt.Sprint(out.Heads)}})
	}, func(Connector) error {
		if file == "" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading head: %w", err)
		}
		in.Head = string(text)
		return nil
	})
}

func (m *CLI) auditHead() *cobra.Command {
	var file string
	var key bool
	c := &cobra.Command{
		Use: "head", Short: "print the newest signed head of the audit log",
		Long: "Prints the number of entries, the root of their hashes and the time, signed (C2SP tlog-checkpoint). Keep a head on another\n" +
			"machine: audit verify --head shows whether the log still has those entries. --key prints the public key of the heads.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&file, "out", "", "new file for the head; stdout without it")
	c.Flags().BoolVar(&key, "key", false, "print the public key")
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var out struct {
			Head string `json:"head"`
			Key  string `json:"key"`
		}
		if err := s.callSigned(ctx, "/logs/head", &out); err != nil {
			return fmt.Errorf("reading the head of the audit log: %w", err)
		}
		switch {
		case m.JSON:
			return m.Result(out)
		case key:
			return m.Line("%s", cli.Plain(out.Key))
		}
		return m.write(file, []byte(out.Head))
	}, func(Connector) error {
		if key && file != "" {
			return cli.Usagef("--key and --out cannot be combined")
		}
		return nil
	})
}

func (m *CLI) auditProve() *cobra.Command {
	var file string
	var page bool
	c := &cobra.Command{
		Use: "prove [EVENT]", Short: "write the proof that an event is in the audit log",
		Long: "Writes a JSON document that proves an event, by the id that audit list --json prints as uuid. Anybody can check it without the\n" +
			"service, in the page that --page writes. The proof contains the event, with names and addresses.",
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&file, "out", "", "new file for the proof or the page; stdout without it")
	c.Flags().BoolVar(&page, "page", false, "write the page that checks proofs, which works without a network")
	c = m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var out json.RawMessage
		if err := s.callSigned(ctx, "/logs/"+url.PathEscape(args[0])+"/proof", &out); err != nil {
			return fmt.Errorf("proving event %s: %w", args[0], err)
		}
		return m.write(file, append(out, '\n'))
	})
	prove := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case page && len(args) == 0:
			return m.write(file, m.ProofPage)
		case page || len(args) == 0 || args[0] == "":
			return cli.Usagef("want either the id of an event or --page")
		}
		return prove(c, args)
	}
	c.Flags().Lookup("json").Hidden = true // a proof is JSON
	return c
}

// signedTimeout is how long callSigned waits for a head.
const signedTimeout = 90 * time.Second

// callSigned gets what needs a signed head of the log. It waits until the service has signed it.
func (c *Client) callSigned(ctx context.Context, path string, out any) error {
	for left := signedTimeout; ; {
		err := c.call(ctx, http.MethodGet, path, nil, out)
		refused, ok := errors.AsType[*refusal](err)
		if !ok || refused.Status != http.StatusConflict || refused.retry == 0 || refused.retry > left {
			return err
		}
		left -= refused.retry
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(refused.retry):
		}
	}
}

func (m *CLI) auditErase() *cobra.Command {
	c := &cobra.Command{
		Use: "erase USER-ID", Short: "erase the personal data of a deleted user from the audit log",
		Long: "Removes names, addresses, User-Agents and details from the events about a deleted user, before retention.deleted_users days\n" +
			"have passed. Ids, actions and times stay, and audit verify still works. An event states who erased. The service deletes\n" +
			"help requests and waiting email of the user within minutes.",
		Args: cli.ExactArgs("USER-ID"),
	}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := confirm("erase the personal data of %s from the audit log", args[0]); err != nil {
			return err
		}
		for out := (struct{ Complete bool }{}); !out.Complete; {
			if err := s.call(ctx, http.MethodPost, "/logs/erase", map[string]string{"user": args[0]}, &out); err != nil {
				return fmt.Errorf("erasing user %s from the audit log: %w", args[0], err)
			}
		}
		m.Note("user %s erased from the audit log", args[0])
		return nil
	})
}

// write writes to a new file, or to stdout if it has no name.
func (m *CLI) write(file string, text []byte) error {
	if file != "" {
		return createFile(file, text)
	}
	_, err := m.Stdout.Write(text)
	return err
}
