package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// userLifecycle returns the commands that change the status of users. A command continues with the next user after an error.
func (m *CLI) userLifecycle() []*cobra.Command {
	out := []*cobra.Command{
		m.inviteCommand("activate", "invite users who never had a device, or reactivate deactivated users"),
		m.inviteCommand("reactivate", "send an invitation again"),
	}
	for _, step := range []struct{ verb, done, short string }{
		{"suspend", "suspended", "suspend users, who keep their devices"},
		{"unsuspend", "active again", "end the suspension of users"},
		{"deactivate", "deactivated", "deactivate users; user activate reverses it"},
		{"unlock", "unlocked", "reset the failure counters of users"},
	} {
		c := &cobra.Command{Use: step.verb + " EMAIL...", Short: step.short, Args: atLeastOne}
		out = append(out, m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
			return m.forEach(args, func(name string) error {
				if err := s.call(ctx, http.MethodPost, userPath(name, "/lifecycle/", step.verb), nil, nil); err != nil {
					return err
				}
				m.Note("%s %s", name, step.done)
				return nil
			})
		}))
	}
	return out
}

// atLeastOne checks that the command line names a user.
func atLeastOne(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return cli.ExactArgs("EMAIL")(c, args)
}

// forEach calls do for each user, and returns an error if one of the calls failed.
func (m *CLI) forEach(names []string, do func(name string) error) error {
	failed := 0
	for _, name := range names {
		err := do(name)
		switch {
		case err == nil:
		case len(names) == 1:
			return fmt.Errorf("%s: %w", name, err)
		default:
			failed++
			m.Note("%s: %v", name, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d users failed", failed, len(names))
	}
	return nil
}

func (m *CLI) inviteCommand(verb, short string) *cobra.Command {
	noMail := false
	c := &cobra.Command{Use: verb + " EMAIL...", Short: short, Args: atLeastOne}
	c.Flags().BoolVar(&noMail, "no-mail", false, "print the links instead of sending them")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		m.warnDefaultURL(s)
		return m.forEach(args, func(name string) error {
			var invited activation
			path := userPath(name, "/lifecycle/", verb, fmt.Sprintf("?sendEmail=%t", !noMail))
			if err := s.call(ctx, http.MethodPost, path, nil, &invited); err != nil {
				return err
			}
			if m.JSON {
				return m.Result(invited)
			}
			return m.printInvitation(s, name, invited)
		})
	})
}

func (m *CLI) userResetPassword() *cobra.Command {
	noMail := false
	c := &cobra.Command{
		Use: "reset-password EMAIL", Short: "send a user a link to choose a new password",
		Long: "Sends the user a link to choose a new password by email. The old password stays valid until the user confirms the new one\n" +
			"with a device. With --no-mail, the command prints only the link on stdout instead, and the user is notified.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().BoolVar(&noMail, "no-mail", false, "print the link instead of sending it")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		m.warnDefaultURL(s)
		var answer struct {
			URL string `json:"resetPasswordUrl,omitempty"`
		}
		path := userPath(args[0], fmt.Sprintf("/lifecycle/reset_password?sendEmail=%t", !noMail))
		if err := s.call(ctx, http.MethodPost, path, nil, &answer); err != nil {
			return fmt.Errorf("resetting password of %s: %w", args[0], err)
		}
		switch {
		case m.JSON:
			return m.Result(answer)
		case answer.URL != "":
			return m.Line("%s", answer.URL)
		case noMail:
			return errors.New("the response contains no link")
		case s.Offline:
			m.Note("the link is in the outbox: the service sends it when it runs")
		default:
			m.Note("link sent to %s", args[0])
		}
		return nil
	})
}

func (m *CLI) userExpirePassword() *cobra.Command {
	temporary := false
	c := &cobra.Command{
		Use: "expire-password EMAIL", Short: "require a new password at the next sign-in of a user",
		Long: "The user needs the old password and a device for that sign-in. With --temporary, the old password stops working, all sessions\n" +
			"end, and the command prints a temporary password for one sign-in on stdout. Notifies the user.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().BoolVar(&temporary, "temporary", false, "replace the password with a temporary one and print it")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		path := userPath(args[0], "/lifecycle/expire_password")
		if temporary {
			path += "_with_temp_password"
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, path, nil, &raw); err != nil {
			return fmt.Errorf("expiring password of %s: %w", args[0], err)
		}
		if !temporary {
			m.Note("%s must choose a new password at the next sign-in", args[0])
			return m.printResult(raw)
		}
		m.Note("all sessions of %s ended; the user signs in with this password and chooses a new one", args[0])
		return printOne(m, raw, func(created struct {
			Password string `json:"tempPassword"`
		}) error {
			return m.Line("%s", created.Password)
		})
	})
}
