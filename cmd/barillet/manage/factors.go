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

// factor is what is printed of a device; --json prints all that the API says.
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
	Left *int `json:"left"`
}

func (m *CLI) factorsList() *cobra.Command {
	c := &cobra.Command{Use: "list EMAIL", Short: "list a person's devices: id, type, status, name, added, last used", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0], "/factors"), nil, &all); err != nil {
			return fmt.Errorf("listing the devices of %s: %w", args[0], err)
		}
		return printList(m, all, func(f factor) []string {
			more := ""
			if f.Left != nil {
				more = fmt.Sprintf("%d left", *f.Left)
			}
			if n := len(f.Copies); n > 0 {
				more = fmt.Sprintf("on %d more phones", n)
			}
			return []string{f.ID, f.Type, f.Status, f.Name, m.Moment(f.Created), m.Moment(f.LastUsed), more}
		})
	})
}

func (m *CLI) factorsRemove() *cobra.Command {
	c := &cobra.Command{
		Use: "remove EMAIL ID", Short: "take one device from a person; the person is told",
		Long: "Takes one device from a person and signs them out everywhere. Whoever has none left needs factors reset.",
		Args: cli.ExactArgs("EMAIL", "ID"),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, userPath(args[0], "/factors/", url.PathEscape(args[1])), nil, nil); err != nil {
			return fmt.Errorf("removing a device of %s: %w", args[0], err)
		}
		m.Note("the device is removed")
		return nil
	})
}

// reset is the body of a reset, receipt its answer.
type reset struct {
	Reason      string         `json:"reason"`
	HelpRequest string         `json:"helpRequestId,omitempty"`
	Check       *identityCheck `json:"identityCheck,omitempty"`
	ShowCode    bool           `json:"hand,omitempty"`
	SendEmail   *bool          `json:"sendEmail,omitempty"`
}

type resetResult struct {
	UserID  string    `json:"userId"`
	Login   string    `json:"login"`
	At      time.Time `json:"at"`
	Cleared struct {
		Phones        int `json:"phones"`
		Copies        int `json:"copies"`
		Keys          int `json:"keys"`
		RecoveryCodes int `json:"recoveryCodes"`
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
	HelpRequest string `json:"helpRequestId,omitempty"` // which it resolved

	pendingApproval
}

// pendingApproval is the answer instead, where an equal is to be reset: a second administrator has to agree.
type pendingApproval struct {
	ID      string     `json:"id,omitempty"`
	Status  string     `json:"status,omitempty"` // PENDING
	Expires *time.Time `json:"expiresAt,omitempty"`
}

func (m *CLI) factorsReset() *cobra.Command {
	var ask reset
	var check identityCheck
	c := &cobra.Command{
		Use: "reset EMAIL --reason TEXT", Short: "clear every second factor of a person and give a ticket to enrol anew",
		Long: "Clears every phone, security key and recovery code of a person, ends their sessions, and mails a ticket that\n" +
			"is good together with the password. With --hand the ticket is a code on this screen instead, good for ten\n" +
			"minutes: for a person who is before you, or whom you called back on the number on file.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().StringVar(&ask.Reason, "reason", "", "why, for the audit log and the managers")
	c.Flags().StringVar(&ask.HelpRequest, "help-request", "", "id of the help request that this answers; needs --identity, unless it says so itself")
	known := check.flags(c)
	c.Flags().BoolVar(&ask.ShowCode, "hand", false, "print the ticket as a code, to be handed over now")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if !ask.ShowCode {
			m.warnDefaultURL(s)
		}
		ask.Check = check.given()
		if s.NoSupport {
			m.Note("warning: support.email is not set: support is not told of the reset; see --config")
		}
		var done resetResult
		if err := s.call(ctx, http.MethodPost, userPath(args[0], "/lifecycle/reset_factors"), ask, &done); err != nil {
			return fmt.Errorf("resetting %s: %w", args[0], err)
		}
		if done.Status != "" {
			m.Note("nothing is done yet: %s has a role like your own, and a second administrator has to agree", args[0])
			if m.JSON {
				return m.Result(done.pendingApproval)
			}
			return m.Line("%s", done.ID)
		}
		return m.printReset(s, done)
	}, known, func(reach Connector) error {
		switch {
		case strings.TrimSpace(ask.Reason) == "":
			return cli.Usagef("--reason is missing: say why, it goes into the audit log and to the managers")
		case ask.ShowCode && reach.Remote():
			return cli.Usagef("--hand works on the machine of the service only: a code is never given to an API token")
		}
		return nil
	})
}

// printReset prints the receipt of a reset that was done.
func (m *CLI) printReset(s *Client, done resetResult) error {
	if done.Mailed && s.Offline {
		m.Note("the mails are in the outbox: they go out when the service runs")
	}
	if m.JSON {
		return m.Result(done)
	}
	return m.Table(done.rows(m))
}

// rows are the receipt for people.
func (r resetResult) rows(m *CLI) (rows [][]string) {
	line := func(name string, value any) { rows = append(rows, []string{name, fmt.Sprint(value)}) }
	line("reset of", r.Login)
	line("at", m.Moment(r.At))
	line("reason", r.Reason)
	if r.Repeated {
		line("changed", "nothing: it was done before, and a ticket is open")
	}
	line("phones cleared", r.Cleared.Phones)
	line("copies cleared", r.Cleared.Copies)
	line("security keys cleared", r.Cleared.Keys)
	line("recovery codes cleared", r.Cleared.RecoveryCodes)
	line("sessions ended", r.SessionsEnded)
	line("browsers forgotten", r.BrowsersForgotten)
	if r.Mailed {
		line("mailed to", strings.Join(r.MailedTo, ", "))
	}
	if r.Ticket.Code != "" {
		line("code", r.Ticket.Code)
	}
	line("ticket good until", m.Moment(r.Ticket.Expires))
	return rows
}
