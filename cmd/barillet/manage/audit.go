package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// event is the part of an audit event that is printed. --json prints the whole event, with --follow one a line.
type event struct {
	UUID      string    `json:"uuid"`
	Published time.Time `json:"published"`
	Type      string    `json:"eventType"`
	Actor     struct {
		Name string `json:"alternateId"`
		ID   string `json:"id"`
	} `json:"actor"`
	Client struct {
		Address string `json:"ipAddress"`
	} `json:"client"`
	Outcome struct {
		Result string  `json:"result"`
		Reason *string `json:"reason"`
	} `json:"outcome"`
	Target []struct {
		Name string `json:"alternateId"`
		ID   string `json:"id"`
	} `json:"target"`
	DebugContext struct {
		Data map[string]string `json:"debugData"`
	} `json:"debugContext"`
}

func (m *CLI) eventRow(e event) []string {
	who, whom, why := e.Actor.Name, "", ""
	if who == "" {
		who = e.Actor.ID
	}
	if len(e.Target) > 0 {
		if whom = e.Target[0].Name; whom == "" {
			whom = e.Target[0].ID
		}
	}
	if e.Outcome.Reason != nil {
		why = *e.Outcome.Reason
	}
	from := e.Client.Address
	if data := e.DebugContext.Data; data["last"] != "" { // folded refusals
		why, from = strings.TrimSpace(why+" ("+data["count"]+" times)"), cmp.Or(from, data["sources"])
	}
	return []string{e.Published.In(m.Zone).Format("2006-01-02 15:04:05"), e.Outcome.Result, e.Type, who, whom, from, why}
}

// auditFlags are the flags of audit list.
type auditFlags struct {
	since, until, contains, user string
	types, outcome               string
	limit                        int
	follow                       bool
}

func (m *CLI) auditList() *cobra.Command {
	var a auditFlags
	c := &cobra.Command{
		Use: "list", Short: "list audit events: time, outcome, type, actor, target, address, reason",
		Long: "Lists audit events, the oldest first. With --follow, prints new events until it is interrupted.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&a.since, "since", "", "only events since: 24h, 7d, or a time such as 2026-03-02T08:00:00Z")
	c.Flags().StringVar(&a.until, "until", "", "only events before; same format as --since")
	c.Flags().StringVar(&a.contains, "q", "", "only events that contain this text")
	c.Flags().StringVar(&a.user, "user", "", "only events about a user, by login, address or id")
	c.Flags().StringVar(&a.types, "type", "", "only events of this type, such as user.session.start")
	known := choiceFlag(c, &a.outcome, "outcome", "only events with this outcome", []string{"SUCCESS", "FAILURE", "DENY", "ALLOW", "UNKNOWN"})
	c.Flags().IntVar(&a.limit, "limit", 0, "number of latest events; 0 is no limit")
	c.Flags().BoolVar(&a.follow, "follow", false, "print new events until interrupted")
	var values url.Values
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error { return m.listEvents(ctx, s, a, values) },
		known, func(Connector) (err error) {
			values, err = a.values(m.Now())
			return err
		})
}

// values returns the parameters of the API, without the filter for a user.
func (a auditFlags) values(now time.Time) (url.Values, error) {
	out := url.Values{}
	for _, limit := range []struct{ flag, value string }{{"since", a.since}, {"until", a.until}} {
		if limit.value == "" {
			continue
		}
		at, err := parseTime(limit.value, now)
		if err != nil {
			return nil, cli.Usagef("--%s: %w", limit.flag, err)
		}
		out.Set(limit.flag, at.UTC().Format(time.RFC3339Nano))
	}
	if a.contains != "" {
		out.Set("q", a.contains)
	}
	var filters []string
	if a.types != "" {
		filters = append(filters, fmt.Sprintf("eventType eq %q", a.types))
	}
	if a.outcome != "" {
		filters = append(filters, fmt.Sprintf("outcome.result eq %q", a.outcome))
	}
	if len(filters) > 0 {
		out.Set("filter", strings.Join(filters, " and "))
	}
	switch {
	case a.limit < 0:
		return nil, cli.Usagef("--limit: want 0 or more")
	case a.follow && a.until != "":
		return nil, cli.Usagef("--follow cannot be combined with --until")
	}
	return out, nil
}

// parseTime parses a time or a duration before now.
func parseTime(value string, now time.Time) (time.Time, error) {
	if ago, err := parseLifetime(value); err == nil {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return at, fmt.Errorf("want a duration such as 24h or 7d, or a time such as 2026-03-02T08:00:00Z")
	}
	return at, nil
}

func (m *CLI) listEvents(ctx context.Context, s *Client, a auditFlags, values url.Values) error {
	if a.user != "" {
		var u user
		if err := s.call(ctx, "GET", userPath(a.user), nil, &u); err != nil {
			return fmt.Errorf("reading user %s: %w", a.user, err)
		}
		filter := fmt.Sprintf("target.id eq %q", u.ID)
		if more := values.Get("filter"); more != "" {
			filter = more + " and " + filter
		}
		values.Set("filter", filter)
	}
	if a.limit > 0 {
		values.Set("sortOrder", "DESCENDING") // the latest events first
	}
	all, err := pages[json.RawMessage](ctx, s, "/logs", values, a.limit)
	if err != nil {
		return fmt.Errorf("listing events: %w", err)
	}
	if a.limit > 0 {
		values.Del("sortOrder")
		slices.Reverse(all)
	}
	if !a.follow {
		return printList(m, all, m.eventRow)
	}
	return m.follow(ctx, s, values, all, a.limit > 0)
}

const (
	pollInterval = time.Second      // between calls with --follow
	pollOverlap  = 10 * time.Second // an event can appear so late after its time
)

// follow prints events, and then new events, until the command is interrupted. Each poll reads the last seconds again, so it finds an
// event that appears late, and does not read all events since the last one that a filter matched.
func (m *CLI) follow(ctx context.Context, s *Client, values url.Values, all []json.RawMessage, limited bool) error {
	printed, first := map[string]bool{}, ""
	for {
		seen := map[string]bool{}
		for _, raw := range all {
			var e event
			if err := json.Unmarshal(raw, &e); err != nil {
				return fmt.Errorf("decoding event: %w", err)
			}
			if limited && first == "" {
				first = e.UUID // older ones are left out
			}
			if seen[e.UUID] = true; printed[e.UUID] || e.UUID < first {
				continue
			}
			line := strings.Join(m.eventRow(e), "  ")
			if m.JSON {
				line = string(raw)
			}
			if err := m.Line("%s", cli.Plain(line)); err != nil {
				return err
			}
		}
		printed = seen
		now := s.answered
		if now.IsZero() {
			now = m.Now()
		}
		values.Set("since", now.Add(-pollOverlap).UTC().Format(time.RFC3339Nano))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
		var err error
		if all, err = pages[json.RawMessage](ctx, s, "/logs", values, 0); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("listing events: %w", err)
		}
	}
}
