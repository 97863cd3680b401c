package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) factorsCommand() *cobra.Command {
	c := parent("factors", "second factors of people")
	c.AddCommand(p.factorsResetCommand())
	return c
}

// reset is the body of a reset, receipt its answer.
type reset struct {
	Reason      string `json:"reason"`
	HelpRequest string `json:"helpRequestId,omitempty"`
	Hand        bool   `json:"hand,omitempty"`
	SendEmail   *bool  `json:"sendEmail,omitempty"`
}

type receipt struct {
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
	Repeated bool   `json:"repeated"`
	Reason   string `json:"reason"`
}

func (p *program) factorsResetCommand() *cobra.Command {
	var to target
	var ask reset
	c := &cobra.Command{
		Use: "reset EMAIL --reason TEXT", Short: "clear every second factor of a person and give a ticket to enrol anew",
		Long: "Clears every phone, security key and recovery code of a person, ends their sessions, and mails a ticket that\n" +
			"is good together with the password. With --hand the ticket is a code on this screen instead, good for ten\n" +
			"minutes: for a person who is before you, or whom you called back on the number on file.",
		Args: exactly("EMAIL"),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(ask.Reason) == "" {
				return misused("--reason is missing: say why, it goes into the audit log and to the managers")
			}
			if ask.Hand && (to.url != "" || variables(p.environ)["BARILLET_URL"] != "") {
				return misused("--hand works on the machine of the service only: a code is never given to an API token")
			}
			service, err := to.connect(c.Context(), p, false)
			if err != nil {
				return err
			}
			defer service.done()
			if !ask.Hand {
				service.warnOfLinks(p)
			}
			var done receipt
			path := "/users/" + url.PathEscape(args[0]) + "/lifecycle/reset_factors"
			if err := service.call(c.Context(), http.MethodPost, path, ask, &done); err != nil {
				return fmt.Errorf("resetting %s: %w", args[0], err)
			}
			if done.Mailed && service.closed {
				p.note("the mails are in the outbox: they go out when the service runs")
			}
			if p.json {
				return p.result(done)
			}
			return done.print(p)
		},
	}
	to.register(c)
	p.jsonFlag(c)
	c.Flags().StringVar(&ask.Reason, "reason", "", "why, for the audit log and the managers")
	c.Flags().StringVar(&ask.HelpRequest, "help-request", "", "id of the help request that this answers")
	c.Flags().BoolVar(&ask.Hand, "hand", false, "print the ticket as a code, to be handed over now")
	return c
}

// print writes the receipt for people.
func (r receipt) print(p *program) error {
	t := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	line := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	line("reset of", r.Login)
	line("at", moment(r.At))
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
	line("ticket good until", moment(r.Ticket.Expires))
	return t.Flush()
}
