package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// webhookInput is the request that creates or updates a webhook.
type webhookInput struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Events  []string `json:"events"`
	Enabled bool     `json:"enabled"`
}

// webhook is the part of a webhook that is printed. --json prints the whole response.
type webhook struct {
	webhookInput
	ID             string    `json:"id"`
	DisabledReason *string   `json:"disabledReason"`
	Overrun        bool      `json:"overrun"`
	Created        time.Time `json:"created"`
	Secret         string    `json:"secret"`
}

// state returns whether the webhook receives events, and why not.
func (h webhook) state() string {
	switch {
	case h.DisabledReason != nil:
		return "off: " + *h.DisabledReason
	case h.Overrun:
		return "overrun"
	}
	return "on"
}

func webhookPath(id string, more ...string) string {
	return "/webhooks/" + url.PathEscape(id) + strings.Join(more, "")
}

func (m *CLI) webhookAdd() *cobra.Command {
	req := webhookInput{}
	off := false
	c := &cobra.Command{
		Use: "add URL --name NAME --event TYPE", Short: "create a webhook and print the secret that signs its requests",
		Long: "Creates a webhook and prints only its secret on stdout. It is not shown again. TYPE is an event type of the audit log, a\n" +
			"prefix such as user.mfa.*, or * for all events.",
		Args: cli.ExactArgs("URL"),
	}
	c.Flags().StringVar(&req.Name, "name", "", "name of the webhook")
	c.Flags().StringArrayVar(&req.Events, "event", nil, "event type to send; can be repeated")
	c.Flags().BoolVar(&off, "off", false, "create it disabled")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		req.URL, req.Enabled = args[0], !off
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/webhooks", req, &raw); err != nil {
			return fmt.Errorf("creating webhook: %w", err)
		}
		return m.printSecret(raw)
	}, func(Connector) error {
		switch {
		case req.Name == "":
			return cli.Usagef("--name is required")
		case len(req.Events) == 0:
			return cli.Usagef("--event is required: want an event type such as user.mfa.* or *")
		}
		return nil
	})
}

// printSecret prints only the new secret of a webhook on stdout.
func (m *CLI) printSecret(raw json.RawMessage) error {
	return printOne(m, raw, func(h webhook) error {
		m.Note("webhook %s, %s; the secret is not shown again", h.ID, cli.Plain(h.Name))
		return m.Line("%s", h.Secret)
	})
}

func (m *CLI) webhookList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list webhooks: id, state, name, URL, events", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/webhooks", nil, 0)
		if err != nil {
			return fmt.Errorf("listing webhooks: %w", err)
		}
		return printList(m, all, func(h webhook) []string { return []string{h.ID, h.state(), h.Name, h.URL, strings.Join(h.Events, ",")} })
	})
}

func (m *CLI) webhookShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "print a webhook", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("reading webhook %s: %w", args[0], err)
		}
		return printOne(m, raw, func(h webhook) error {
			return m.Table([][]string{{"id", h.ID}, {"name", h.Name}, {"state", h.state()}, {"url", h.URL},
				{"events", strings.Join(h.Events, ",")}, {"created", m.Moment(h.Created)}})
		})
	})
}

func (m *CLI) webhookUpdate() *cobra.Command {
	var to webhookInput
	var on, off bool
	c := &cobra.Command{
		Use: "update ID", Short: "update, enable or disable a webhook and keep its secret",
		Long: "Sets what the flags name and keeps the rest. --event replaces all event types.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().StringVar(&to.Name, "name", "", "name of the webhook")
	c.Flags().StringVar(&to.URL, "to", "", "URL of the webhook")
	c.Flags().StringArrayVar(&to.Events, "event", nil, "event type to send; can be repeated")
	c.Flags().BoolVar(&on, "on", false, "enable the webhook")
	c.Flags().BoolVar(&off, "off", false, "disable the webhook")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var was webhook
		if err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &was); err != nil {
			return fmt.Errorf("updating webhook %s: %w", args[0], err)
		}
		req := was.webhookInput
		if to.Name != "" {
			req.Name = to.Name
		}
		if to.URL != "" {
			req.URL = to.URL
		}
		if to.Events != nil {
			req.Events = to.Events
		}
		req.Enabled = on || req.Enabled && !off
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPut, webhookPath(args[0]), req, &raw); err != nil {
			return fmt.Errorf("updating webhook %s: %w", args[0], err)
		}
		m.Note("webhook %s updated", args[0])
		return m.printResult(raw)
	}, func(Connector) error {
		switch {
		case on && off:
			return cli.Usagef("--on and --off cannot be combined")
		case to.Name+to.URL == "" && to.Events == nil && !on && !off:
			return cli.WithHint(cli.Usagef("no flag sets a value"), "%s --help lists the flags", c.CommandPath())
		}
		return nil
	})
}

func (m *CLI) webhookRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "remove a webhook and discard its waiting events", Args: cli.ExactArgs("ID")}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var was webhook
		err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &was)
		if err == nil {
			if err := confirm("remove the webhook %s to %s permanently", cli.Plain(was.Name), cli.Plain(was.URL)); err != nil {
				return err
			}
			err = s.call(ctx, http.MethodDelete, webhookPath(args[0]), nil, nil)
		}
		if err != nil {
			return fmt.Errorf("removing webhook %s: %w", args[0], err)
		}
		m.Note("webhook %s removed", args[0])
		return nil
	})
}

func (m *CLI) webhookTest() *cobra.Command {
	c := &cobra.Command{Use: "test ID", Short: "send a test event to a webhook", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, webhookPath(args[0], "/test"), nil, &raw); err != nil {
			return fmt.Errorf("testing webhook %s: %w", args[0], err)
		}
		if s.Offline {
			m.Note("the test event is in the outbox: the service sends it when it runs")
		} else {
			m.Note("test event sent; if it fails, barillet webhook deliveries %s lists it", args[0])
		}
		return m.printResult(raw)
	})
}

func (m *CLI) webhookRotate() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate ID", Short: "create a new secret for a webhook and print it",
		Long: "Prints only the new secret on stdout. It is not shown again. For 24 hours, requests have signatures of both secrets.",
		Args: cli.ExactArgs("ID"),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, webhookPath(args[0], "/rotate"), nil, &raw); err != nil {
			return fmt.Errorf("rotating secret of webhook %s: %w", args[0], err)
		}
		return m.printSecret(raw)
	})
}

// delivery is the part of a waiting or failed delivery that is printed.
type delivery struct {
	ID          string    `json:"id"`
	EventType   string    `json:"eventType"`
	Status      string    `json:"status"`
	Created     time.Time `json:"created"`
	Attempts    int       `json:"attempts"`
	LastAttempt time.Time `json:"lastAttempt"`
	LastError   string    `json:"lastError"`
}

func (m *CLI) webhookDeliveries() *cobra.Command {
	status := ""
	c := &cobra.Command{
		Use: "deliveries ID", Short: "list waiting and failed deliveries of a webhook: id, status, event, created, attempts, last attempt, error", Args: cli.ExactArgs("ID"),
	}
	known := choiceFlag(c, &status, "status", "only deliveries with this status", []string{"waiting", "dead"})
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		values := url.Values{}
		if status != "" {
			values.Set("status", status)
		}
		all, err := pages[json.RawMessage](ctx, s, webhookPath(args[0], "/deliveries"), values, 0)
		if err != nil {
			return fmt.Errorf("listing deliveries of webhook %s: %w", args[0], err)
		}
		return printList(m, all, func(d delivery) []string {
			return []string{d.ID, d.Status, d.EventType, m.Moment(d.Created), fmt.Sprint(d.Attempts), m.Moment(d.LastAttempt), d.LastError}
		})
	}, known)
}
