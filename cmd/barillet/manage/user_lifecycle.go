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

// userLifecycle are the commands that move people from one state to another. Each takes several people, and goes on with
// the next when one is refused.
func (m *CLI) userLifecycle() []*cobra.Command {
	out := []*cobra.Command{
		m.inviteCommand("activate", "invite people who never had a device, or bring back deactivated ones"),
		m.inviteCommand("reactivate", "invite people again whose invitation was lost"),
	}
	for _, step := range []struct{ verb, done, short string }{
		{"suspend", "is suspended", "keep people out for a while; they keep their devices"},
		{"unsuspend", "is active again", "let suspended people in again"},
		{"deactivate", "is deactivated", "end people's access; user activate brings them back"},
		{"unlock", "may try again", "end the waits after wrong answers"},
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

// atLeastOne demands at least one person.
func atLeastOne(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return cli.ExactArgs("EMAIL")(c, args)
}

// forEach does something for each person. The command fails when one of them was refused, after all were tried.
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
		return fmt.Errorf("%d of %d were refused", failed, len(names))
	}
	return nil
}

func (m *CLI) inviteCommand(verb, short string) *cobra.Command {
	noMail := false
	c := &cobra.Command{Use: verb + " EMAIL...", Short: short, Args: atLeastOne}
	c.Flags().BoolVar(&noMail, "no-mail", false, "print the links instead of mailing them")
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
		Use: "reset-password EMAIL", Short: "mail a person the link to choose a new password",
		Long: "Mails the link of a forgotten password. The password of before counts until the new one is confirmed with a\n" +
			"device. With --no-mail the link is printed alone on stdout instead, and the person is told of it.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().BoolVar(&noMail, "no-mail", false, "print the link instead of mailing it")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		m.warnDefaultURL(s)
		var answer struct {
			URL string `json:"resetPasswordUrl,omitempty"`
		}
		path := userPath(args[0], fmt.Sprintf("/lifecycle/reset_password?sendEmail=%t", !noMail))
		if err := s.call(ctx, http.MethodPost, path, nil, &answer); err != nil {
			return fmt.Errorf("resetting the password of %s: %w", args[0], err)
		}
		switch {
		case m.JSON:
			return m.Result(answer)
		case answer.URL != "":
			return m.Line("%s", answer.URL)
		case noMail:
			return errors.New("the service gave no link")
		case s.Offline:
			m.Note("the link is in the outbox: it is mailed when the service runs")
		default:
			m.Note("a link is on its way to %s", args[0])
		}
		return nil
	})
}

func (m *CLI) userExpirePassword() *cobra.Command {
	temporary := false
	c := &cobra.Command{
		Use: "expire-password EMAIL", Short: "have a person choose another password at their next sign-in",
		Long: "The password of before still begins that sign-in; the device is asked for as always. With --temporary it is dead at once,\n" +
			"every session ends, and a password for once is printed alone on stdout: hand it over yourself. The person is told.",
		Args: cli.ExactArgs("EMAIL"),
	}
	c.Flags().BoolVar(&temporary, "temporary", false, "print a temporary password, this once")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		path := userPath(args[0], "/lifecycle/expire_password")
		if temporary {
			path += "_with_temp_password"
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, path, nil, &raw); err != nil {
			return fmt.Errorf("expiring the password of %s: %w", args[0], err)
		}
		if !temporary {
			m.Note("%s chooses another password at the next sign-in", args[0])
			return m.printResult(raw)
		}
		m.Note("every session of %s is over; they choose a password of their own with this one", args[0])
		return printOne(m, raw, func(made struct {
			Password string `json:"tempPassword"`
		}) error {
			return m.Line("%s", made.Password)
		})
	})
}
