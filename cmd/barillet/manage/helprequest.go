package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) helpRequestCommand() *cobra.Command {
	c := parent("help-request", "requests for help")
	c.AddCommand(p.helpRequestListCommand(), p.helpRequestShowCommand())
	return c
}

// helpRequest is what is printed of one; --json prints all that the API says.
type helpRequest struct {
	ID             string    `json:"id"`
	Reference      string    `json:"reference"`
	Status         string    `json:"status"`
	Email          string    `json:"email"`
	Topic          string    `json:"topic"`
	Message        string    `json:"message"`
	PasswordProven bool      `json:"passwordProven"`
	Created        time.Time `json:"created"`
}

// pageOfAPI is how many a list of the API holds at most.
const pageOfAPI = 200

func (p *program) helpRequestListCommand() *cobra.Command {
	var to target
	var status string
	c := &cobra.Command{
		Use: "list", Short: "list help requests", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			service, err := to.connect(c.Context(), p, false)
			if err != nil {
				return err
			}
			defer service.done()
			path := "/help-requests"
			if status != "" {
				path += "?status=" + url.QueryEscape(status)
			}
			var all []json.RawMessage
			if err := service.call(c.Context(), http.MethodGet, path, nil, &all); err != nil {
				return fmt.Errorf("listing help requests: %w", err)
			}
			if len(all) == pageOfAPI {
				p.note("these are the first %d: there may be more, which the API lists page by page", len(all))
			}
			if p.json {
				return p.result(all)
			}
			t := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
			for _, one := range all {
				var r helpRequest
				if err := json.Unmarshal(one, &r); err != nil {
					return fmt.Errorf("reading a help request: %w", err)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.ID, moment(r.Created), r.Status, r.Topic, plainLine(r.Email))
			}
			return t.Flush()
		},
	}
	to.register(c)
	p.jsonFlag(c)
	c.Flags().StringVar(&status, "status", "", "only those in this state: open, in_progress, resolved, rejected")
	return c
}

func (p *program) helpRequestShowCommand() *cobra.Command {
	var to target
	c := &cobra.Command{
		Use: "show ID", Short: "show one help request", Args: exactly("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			service, err := to.connect(c.Context(), p, false)
			if err != nil {
				return err
			}
			defer service.done()
			var raw json.RawMessage
			if err := service.call(c.Context(), http.MethodGet, "/help-requests/"+url.PathEscape(args[0]), nil, &raw); err != nil {
				return fmt.Errorf("showing help request %s: %w", args[0], err)
			}
			if p.json {
				return p.result(raw)
			}
			var r helpRequest
			if err := json.Unmarshal(raw, &r); err != nil {
				return fmt.Errorf("reading a help request: %w", err)
			}
			fmt.Fprintf(p.stdout, "%s, %s, %s\nfrom %s, %s\n", r.Reference, moment(r.Created), r.Status, plainLine(r.Email), r.Topic)
			if r.PasswordProven {
				fmt.Fprintln(p.stdout, "the password had been proven")
			}
			for line := range strings.Lines(r.Message) {
				fmt.Fprintf(p.stdout, "> %s\n", plainLine(line))
			}
			return nil
		},
	}
	to.register(c)
	p.jsonFlag(c)
	return c
}

// plainLine keeps what strangers typed from driving the terminal.
func plainLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}
