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

// webhookInput is a webhook as it is to be.
type webhookInput struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Events  []string `json:"events"`
	Enabled bool     `json:"enabled"`
}

// webhook is what is printed of one; --json prints all that the API says.
type webhook struct {
	webhookInput
	ID             string    `json:"id"`
	DisabledReason *string   `json:"disabledReason"`
	Overrun        bool      `json:"overrun"`
	Created        time.Time `json:"created"`
	Secret         string    `json:"secret"`
}

// state is whether events go there: "gone" means that the receiver said so itself.
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
	ask := webhookInput{}
	off := false
	c := &cobra.Command{
		Use: "add URL --name NAME --event TYPE", Short: "tell a program of events, and print the secret that signs them",
		Long: "Makes a webhook and prints its secret alone on stdout. It is shown this once. TYPE is an event type of the log, a\n" +
			"beginning such as user.mfa.*, or * for all.",
		Args: cli.ExactArgs("URL"),
	}
	c.Flags().StringVar(&ask.Name, "name", "", "what the receiver is")
	c.Flags().StringArrayVar(&ask.Events, "event", nil, "what it is told of; may be given again")
	c.Flags().BoolVar(&off, "off", false, "tell it nothing yet")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		ask.URL, ask.Enabled = args[0], !off
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/webhooks", ask, &raw); err != nil {
			return fmt.Errorf("adding the webhook: %w", err)
		}
		return m.printSecret(raw)
	}, func(Connector) error {
		switch {
		case ask.Name == "":
			return cli.Usagef("--name is missing: say what the receiver is")
		case len(ask.Events) == 0:
			return cli.Usagef("--event is missing: say what it is told of, such as user.mfa.* or *")
		}
		return nil
	})
}

// printSecret prints a secret that was just made, alone on stdout.
func (m *CLI) printSecret(raw json.RawMessage) error {
	return printOne(m, raw, func(h webhook) error {
		m.Note("webhook %s, %s; its secret is shown this once", h.ID, cli.Plain(h.Name))
		return m.Line("%s", h.Secret)
	})
}

func (m *CLI) webhookList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list webhooks: id, state, name, address, events", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/webhooks", nil, 0)
		if err != nil {
			return fmt.Errorf("listing webhooks: %w", err)
		}
		return printList(m, all, func(h webhook) []string { return []string{h.ID, h.state(), h.Name, h.URL, strings.Join(h.Events, ",")} })
	})
}

func (m *CLI) webhookShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "show one webhook", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("showing webhook %s: %w", args[0], err)
		}
		return printOne(m, raw, func(h webhook) error {
			return m.Table([][]string{{"id", h.ID}, {"name", h.Name}, {"state", h.state()}, {"address", h.URL},
				{"events", strings.Join(h.Events, ",")}, {"created", m.Moment(h.Created)}})
		})
	})
}

func (m *CLI) webhookUpdate() *cobra.Command {
	var to webhookInput
	var on, off bool
	c := &cobra.Command{
		Use: "change ID", Short: "change a webhook, or switch it on and off; its secret stays",
		Long: "Changes what is named and leaves the rest. --event names all that it is told of from now on.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().StringVar(&to.Name, "name", "", "what the receiver is")
	c.Flags().StringVar(&to.URL, "to", "", "its address")
	c.Flags().StringArrayVar(&to.Events, "event", nil, "what it is told of; may be given again")
	c.Flags().BoolVar(&on, "on", false, "tell it of events again")
	c.Flags().BoolVar(&off, "off", false, "tell it nothing")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var was webhook
		if err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &was); err != nil {
			return fmt.Errorf("changing webhook %s: %w", args[0], err)
		}
		ask := was.webhookInput
		if to.Name != "" {
			ask.Name = to.Name
		}
		if to.URL != "" {
			ask.URL = to.URL
		}
		if to.Events != nil {
			ask.Events = to.Events
		}
		ask.Enabled = on || ask.Enabled && !off
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPut, webhookPath(args[0]), ask, &raw); err != nil {
			return fmt.Errorf("changing webhook %s: %w", args[0], err)
		}
		m.Note("webhook %s is changed", args[0])
		return m.printResult(raw)
	}, func(Connector) error {
		switch {
		case on && off:
			return cli.Usagef("--on and --off contradict one another")
		case to.Name+to.URL == "" && to.Events == nil && !on && !off:
			return cli.WithHint(cli.Usagef("nothing is to be changed"), "%s --help lists the flags", c.CommandPath())
		}
		return nil
	})
}

func (m *CLI) webhookRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove ID", Short: "end a webhook; what waits for it is forgotten", Args: cli.ExactArgs("ID")}
	sure := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var was webhook
		err := s.call(ctx, http.MethodGet, webhookPath(args[0]), nil, &was)
		if err == nil {
			if err := sure("end the webhook %s to %s for ever", cli.Plain(was.Name), cli.Plain(was.URL)); err != nil {
				return err
			}
			err = s.call(ctx, http.MethodDelete, webhookPath(args[0]), nil, nil)
		}
		if err != nil {
			return fmt.Errorf("removing webhook %s: %w", args[0], err)
		}
		m.Note("webhook %s is removed", args[0])
		return nil
	})
}

func (m *CLI) webhookTest() *cobra.Command {
	c := &cobra.Command{Use: "test ID", Short: "send a webhook an event that says it is a test", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, webhookPath(args[0], "/test"), nil, &raw); err != nil {
			return fmt.Errorf("testing webhook %s: %w", args[0], err)
		}
		if s.Offline {
			m.Note("a test event is stored: it goes out when the service runs")
		} else {
			m.Note("a test event is on its way: barillet webhook deliveries %s tells if it is not taken", args[0])
		}
		return m.printResult(raw)
	})
}

func (m *CLI) webhookRotate() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate ID", Short: "make a new secret for a webhook and print it",
		Long: "Prints a new secret alone on stdout, this once. For 24 hours the one before signs beside it.",
		Args: cli.ExactArgs("ID"),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, webhookPath(args[0], "/rotate"), nil, &raw); err != nil {
			return fmt.Errorf("rotating the secret of webhook %s: %w", args[0], err)
		}
		return m.printSecret(raw)
	})
}

// delivery is what is printed of a call that was not taken yet, or was given up.
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
		Use: "deliveries ID", Short: "list what a webhook has not taken: id, status, event, since, attempts, last one, its failure", Args: cli.ExactArgs("ID"),
	}
	known := choiceFlag(c, &status, "status", "only those in this state", []string{"waiting", "dead"})
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		values := url.Values{}
		if status != "" {
			values.Set("status", status)
		}
		all, err := pages[json.RawMessage](ctx, s, webhookPath(args[0], "/deliveries"), values, 0)
		if err != nil {
			return fmt.Errorf("listing the deliveries of webhook %s: %w", args[0], err)
		}
		return printList(m, all, func(d delivery) []string {
			return []string{d.ID, d.Status, d.EventType, m.Moment(d.Created), fmt.Sprint(d.Attempts), m.Moment(d.LastAttempt), d.LastError}
		})
	}, known)
}
