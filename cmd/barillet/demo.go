package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"barillet/authn/account"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/mail"
	"barillet/internal/outbound"
	"barillet/internal/secret"
	"barillet/store"
)

// demo is the demonstration: its users, and what it prints about them.
type demo struct {
	mailbox mail.MemoryTransport
	origin  string
	group   account.Group
	users   []demoUser
	token   secret.Value
	sample  string // where the sample application is
}

// serveDemo runs the demonstration in a temporary directory, which it removes afterwards. It reads no configuration, so that it
// cannot use the data of a service.
func (p *program) serveDemo(ctx context.Context, flags config.Flags) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	c, err := demoConfig(flags)
	if err != nil {
		return err
	}
	if c.Data, err = os.MkdirTemp("", "barillet-demo-"); err != nil {
		return fmt.Errorf("creating directory of the demonstration: %w", err)
	}
	dir, err := datadir.Open(ctx, c, true, now, p.exitOnDamage)
	if err == nil {
		err = store.MarkDemo(ctx, dir.Store)
		if err == nil {
			err = p.serveDataDir(ctx, c, dir, nil, p.logger(c.LogFormat), &demo{}, reloading{})
		}
		err = errors.Join(err, dir.Store.Close())
	}
	if gone := os.RemoveAll(c.Data); gone != nil {
		err = errors.Join(err, fmt.Errorf("removing directory of the demonstration: %w", gone))
	}
	return err
}

// demoConfig returns the configuration of the demonstration, with the default limits.
func demoConfig(flags config.Flags) (*config.Config, error) {
	given := flags.Given()
	for _, refused := range []string{"data", "key_file"} {
		if _, is := given[refused]; is {
			return nil, cli.Usagef("--demo uses a temporary directory: --%s cannot be combined with it", config.FlagOf(refused))
		}
	}
	if flags.File != "" {
		return nil, cli.Usagef("--demo reads no configuration: --config cannot be combined with it")
	}
	if listen, is := given["listen"]; is && !config.Loopback(listen) {
		return nil, cli.Usagef("--demo listens only on a loopback address: --listen %s is not one", listen)
	}
	c, err := config.Load("", nil, given)
	if err != nil {
		return nil, err
	}
	asked := c.PublicURL
	if c.PublicURL = ""; asked != "" && string(asked) != c.Origin("") {
		return nil, cli.Usagef("--demo has only the public URL %s", c.Origin(""))
	}
	c.Support.Email, c.Support.Phone = "aide@garage.example", "01 99 00 12 34"
	// A webhook of a demonstration is a program on the same host.
	c.Outbound.Allow.Allowed, err = outbound.ParseAllowed([]string{"localhost", "127.0.0.0/8", "::1"})
	return c, err
}

// print prints the users of the demonstration with their secrets.
func (d *demo) print(p *program) {
	fmt.Fprintf(p.Stdout, "demonstration of %s; its data is deleted when this program ends\n\n", d.group.Name)
	t := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "sign in\t%s/login\n", d.origin)
	fmt.Fprintf(t, "console of administrators\t%s/console\n", d.origin)
	fmt.Fprintf(t, "sample application\t%s\n", d.sample)
	fmt.Fprintf(t, "emails of all users\t%s/demo/mail\n", d.origin)
	fmt.Fprintf(t, "REST API\t%s/api/v1\n", d.origin)
	fmt.Fprintf(t, "API token\t%s\n", d.token.Reveal())
	t.Flush()
	for _, a := range d.users {
		fmt.Fprintf(p.Stdout, "\n%s %s, %s\n", a.first, a.last, a.description)
		t := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintf(t, "  login\t%s\n", a.login())
		if !a.Password.IsZero() {
			fmt.Fprintf(t, "  password\t%s\n", a.Password.Reveal())
		}
		if !a.Key.IsZero() {
			fmt.Fprintf(t, "  setup key for an app\t%s\n", a.Key.Reveal())
		}
		if !a.Link.IsZero() {
			fmt.Fprintf(t, "  invitation\t%s\n", a.Link.Reveal())
		}
		t.Flush()
	}
	fmt.Fprintf(p.Stdout, "\nadd a setup key to an authenticator app, or open the invitation and scan its QR code\n")
}
