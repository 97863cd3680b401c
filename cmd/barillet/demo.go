package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"barillet/authn"
	"barillet/cmd/barillet/cli"
	"barillet/internal/mail"
	"barillet/internal/outbound"
	"barillet/store"
)

// demo is the sample garage of the demonstration: what stands in the store when it opens, and what its
// visitors are told.
type demo struct {
	mailbox mail.Box
	origin  string
	group   authn.Group
	users   []demoUser
	token   authn.Secret
	sample  string // where the sample application is
}

// serveDemo serves the sample garage to this machine alone, in a folder that is gone afterwards. It takes nothing
// from a configuration: it must not be mistaken for a service, nor touch the data of one.
func (p *program) serveDemo(ctx context.Context, where settingFlags) error {
	c, err := demoConfig(where)
	if err != nil {
		return err
	}
	if c.Data, err = os.MkdirTemp("", "barillet-demo-"); err != nil {
		return fmt.Errorf("making a folder for the demonstration: %w", err)
	}
	dir, err := openDataDir(ctx, c, true, p.exitOnDamage)
	if err == nil {
		err = store.MarkDemo(ctx, dir.store)
		if err == nil {
			err = p.serveDataDir(ctx, c, dir, p.logger(c.LogFormat), &demo{})
		}
		err = errors.Join(err, dir.store.Close())
	}
	if gone := os.RemoveAll(c.Data); gone != nil {
		err = errors.Join(err, fmt.Errorf("removing the folder of the demonstration: %w", gone))
	}
	return err
}

// demoConfig is the configuration of the demonstration, with the limits of production.
func demoConfig(where settingFlags) (*config, error) {
	given := where.given()
	for _, refused := range []string{"data", "key_file"} {
		if _, is := given[refused]; is {
			return nil, cli.Usagef("--demo has a folder of its own: --%s is for a real service", flagOf(refused))
		}
	}
	if where.file != "" {
		return nil, cli.Usagef("--demo takes no configuration: --config is for a real service")
	}
	if listen, is := given["listen"]; is && !loopback(listen) {
		return nil, cli.Usagef("--demo is for this machine alone: --listen %s is not of it", listen)
	}
	c, err := load("", nil, given)
	if err != nil {
		return nil, err
	}
	asked := c.PublicURL
	if c.PublicURL = ""; asked != "" && string(asked) != c.origin("") {
		return nil, cli.Usagef("--demo is served at %s alone", c.origin(""))
	}
	c.Support.Email, c.Support.Phone = "aide@garage.example", "01 99 00 12 34"
	// A receiver of webhooks to try things out with is a program on the same machine.
	c.Outbound.Allow.Allowed, err = outbound.ParseAllowed([]string{"localhost", "127.0.0.0/8", "::1"})
	return c, err
}

// print tells the visitors who is who. The secrets are those of a garage that does not exist.
func (d *demo) print(p *program) {
	fmt.Fprintf(p.Stdout, "%s, a garage that does not exist, until this program ends\n\n", d.group.Name)
	t := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "sign in\t%s/login\n", d.origin)
	fmt.Fprintf(t, "sample application\t%s\n", d.sample)
	fmt.Fprintf(t, "mailbox of everybody\t%s/demo/mail\n", d.origin)
	fmt.Fprintf(t, "REST API\t%s/api/v1\n", d.origin)
	fmt.Fprintf(t, "API token\t%s\n", d.token.Reveal())
	t.Flush()
	for _, a := range d.users {
		fmt.Fprintf(p.Stdout, "\n%s %s, %s\n", a.first, a.last, a.description)
		t := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintf(t, "  sign-in name\t%s\n", a.login())
		if !a.Password.Empty() {
			fmt.Fprintf(t, "  password\t%s\n", a.Password.Reveal())
		}
		if !a.Key.Empty() {
			fmt.Fprintf(t, "  setup key for an app\t%s\n", a.Key.Reveal())
		}
		if !a.Link.Empty() {
			fmt.Fprintf(t, "  invitation\t%s\n", a.Link.Reveal())
		}
		t.Flush()
	}
	fmt.Fprintf(p.Stdout, "\nadd a setup key to an authenticator app by hand, or open the invitation and scan its QR code\n")
}
