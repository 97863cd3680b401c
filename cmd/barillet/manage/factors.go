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

// factor is the part of a device that is printed. --json prints the whole response.
type factor struct {
	ID       string    `json:"id"`
	Type     string    `json:"factorType"`
	Status   string    `json:"status"`
	Name     string    `json:"name"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"lastUsed"`
	Copies   []struct {
		Name string `json:"name"`
	} `json:"copies"`
	Left   *int      `json:"left"`
	Frozen time.Time `json:"frozen"`
}

func (m *CLI) factorsList() *cobra.Command {
	c := &cobra.Command{Use: "list EMAIL", Short: "list the devices of a user: id, type, status, name, created, last used", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0], "/factors"), nil, &all); err != nil {
			return fmt.Errorf("listing devices of %s: %w", args[0], err)
		}
		return printList(m, all, func(f factor) []string {
			more := ""
			if f.Left != nil {
				more = fmt.Sprintf("%d left", *f.Left)
			}
			if n := len(f.Copies); n > 0 {
				more = fmt.Sprintf("on %d more phones", n)
			}
			if !f.Frozen.IsZero() {
				more = "frozen " + m.Moment(f.Frozen)
			}
			return []string{f.ID, f.Type, f.Status, f.Name, m.Moment(f.Created), m.Moment(f.LastUsed), more}
		})
	})
}

func (m *CLI) factorsRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove EMAIL ID", Short: "remove a device from a user and notify the user",
		Long: "Removes a device, ends all sessions of the user and notifies the user. A user without a device needs factors reset.",
		Args: cli.ExactArgs("EMAIL", "ID"),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, userPath(args[0], "/factors/", url.PathEscape(args[1])), nil, nil); err != nil {
			return fmt.Errorf("removing device %s of %s: %w", args[1], args[0], err)
		}
		m.Note("device removed")
		return nil
	})
}

// frozen is the response to a freeze.
type frozen struct {
	UserID string    `json:"userId"`
	Login  string    `json:"login"`
	At     time.Time `json:"at"`
	Frozen []struct {
		ID         string `json:"id"`
		FactorType string `json:"factorType"`
		Name       string `json:"name"`
	} `json:"frozen"`
	SessionsEnded int `json:"sessionsEnded"`
}

func (m *CLI) factorsFreeze() *cobra.Command {
	var device string
	var req struct {
		Reason string `json:"reason"`
	}
	c := &cobra.Command{
		Use: "freeze EMAIL --reason TEXT", Short: "block lost or stolen devices of a user without removing them",
		Long: "Blocks all devices and recovery codes of a user, or one device, ends all sessions and notifies the user. A blocked device\n" +
			"confirms nothing. Only the user ends the block of a device, with another one that is more than 72 hours old. After a block of\n" +
			"all, reset the user.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&device, "device", "", "id of the only device to block; see factors list")
	c.Flags().StringVar(&req.Reason, "reason", "", "reason, for the audit log")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		what, path := "devices", userPath(args[0], "/lifecycle/freeze_factors")
		if device != "" {
			what, path = "device "+device, userPath(args[0], "/factors/", url.PathEscape(device), "/lifecycle/freeze")
		}
		var done frozen
		if err := s.call(ctx, http.MethodPost, path, req, &done); err != nil {
			return fmt.Errorf("freezing %s of %s: %w", what, args[0], err)
		}
		if m.JSON {
			return m.Result(done)
		}
		for _, f := range done.Frozen {
			m.Note("frozen: %s  %s  %s", f.ID, f.FactorType, f.Name)
		}
		if len(done.Frozen) == 0 {
			m.Note("nothing to freeze: the user has no device, or all are frozen")
		}
		m.Note("%d sessions ended", done.SessionsEnded)
		return nil
	}, func(Connector) error {
		if strings.TrimSpace(req.Reason) == "" {
			return cli.Usagef("--reason is required: the audit log contains it")
		}
		return nil
	})
}

// reset is the request of a reset.
type reset struct {
	Reason      string         `json:"reason"`
	HelpRequest string         `json:"helpRequestId,omitempty"`
	Check       *identityCheck `json:"identityCheck,omitempty"`
	ShowCode    bool           `json:"showCode,omitempty"`
	SendEmail   *bool          `json:"sendEmail,omitempty"`
}

// resetResult is the response to a reset.
type resetResult struct {
	UserID  string    `json:"userId"`
	Login   string    `json:"login"`
	At      time.Time `json:"at"`
	Cleared struct {
		Devices       []clearedDevices `json:"devices"`
		Copies        int              `json:"copies"`
		RecoveryCodes int              `json:"recoveryCodes"`
	} `json:"cleared"`
	SessionsEnded     int      `json:"sessionsEnded"`
	BrowsersForgotten int      `json:"browsersForgotten"`
	Mailed            bool     `json:"mailed"`
	MailedTo          []string `json:"mailedTo"`
	Ticket            struct {
		Expires time.Time `json:"expiresAt"`
		Code    string    `json:"code,omitempty"`
	} `json:"ticket"`
	Repeated    bool   `json:"repeated"`
	Reason      string `json:"reason"`
	HelpRequest string `json:"helpRequestId,omitempty"` // that the reset resolved
	OpenRequest string `json:"openHelpRequest,omitempty"`
}

// clearedDevices is the number of removed devices of one kind.
type clearedDevices struct {
	FactorType string `json:"factorType"`
	Count      int    `json:"count"`
}

func (m *CLI) factorsReset() *cobra.Command {
	var req reset
	var check identityCheck
	c := &cobra.Command{
		Use: "reset EMAIL --reason TEXT", Short: "remove all devices of a user and issue a ticket to enrol again",
		Long: "Removes all devices and recovery codes of a user, ends all sessions, notifies the user and sends a ticket by email. The\n" +
			"ticket works only together with the password. With --show-code the ticket is a code on this screen instead, valid for\n" +
			"ten minutes: only for a user who is present.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&req.Reason, "reason", "", "reason, for the audit log and the notified administrators")
	c.Flags().StringVar(&req.HelpRequest, "help-request", "", "id or reference of the help request that this resolves; needs --identity, unless the request has an identity check")
	known := check.flags(c)
	c.Flags().BoolVar(&req.ShowCode, "show-code", false, "print the ticket as a code")
	c.Flags().BoolVar(&req.ShowCode, "hand", false, "")
	c.Flags().Lookup("hand").Hidden = true // alias of --show-code
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if !req.ShowCode {
			m.warnDefaultURL(s)
		}
		req.Check = check.given()
		if s.NoSupport {
			m.Note("warning: support.email is not set: no support address is notified of the reset; see --config")
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0], "/lifecycle/reset_factors"), req, &raw); err != nil {
			return fmt.Errorf("resetting %s: %w", args[0], err)
		}
		if waits, err := m.waits(raw); waits || err != nil {
			return err
		}
		var done resetResult
		if err := json.Unmarshal(raw, &done); err != nil {
			return fmt.Errorf("reading the result of the reset: %w", err)
		}
		return m.printReset(s, done)
	}, known, func(connector Connector) error {
		switch {
		case strings.TrimSpace(req.Reason) == "":
			return cli.Usagef("--reason is required: the audit log and the notifications contain it")
		case req.ShowCode && connector.Remote():
			return cli.Usagef("--show-code works only on the host of the service: an API token never gets a code")
		}
		return nil
	})
}

// printReset prints the result of a reset.
func (m *CLI) printReset(s *Client, done resetResult) error {
	if done.Mailed && s.Offline {
		m.Note("the emails are in the outbox: the service sends them when it runs")
	}
	if m.JSON {
		return m.Result(done)
	}
	return m.Table(done.rows(m))
}

// rows returns the result as a table.
func (r resetResult) rows(m *CLI) (rows [][]string) {
	line := func(name string, value any) { rows = append(rows, []string{name, fmt.Sprint(value)}) }
	line("reset of", r.Login)
	line("at", m.Moment(r.At))
	line("reason", r.Reason)
	if r.Repeated {
		line("changed", "nothing: a ticket is already valid")
	}
	if len(r.Cleared.Devices) == 0 {
		line("devices cleared", 0)
	}
	for _, d := range r.Cleared.Devices {
		line(d.FactorType+" cleared", d.Count)
	}
	line("copies cleared", r.Cleared.Copies)
	line("recovery codes cleared", r.Cleared.RecoveryCodes)
	line("sessions ended", r.SessionsEnded)
	line("known browsers removed", r.BrowsersForgotten)
	if r.Mailed {
		line("emailed to", strings.Join(r.MailedTo, ", "))
	}
	if r.Ticket.Code != "" {
		line("code", r.Ticket.Code)
	}
	line("ticket expires", m.Moment(r.Ticket.Expires))
	if r.OpenRequest != "" {
		line("still open", r.OpenRequest+", without an identity check: see help-request check and close")
	}
	return rows
}
