package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"barillet/authn/roster"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/cmd/barillet/doctor"
	"barillet/store"
)

func (p *program) checkCommand() *cobra.Command {
	var flags config.Flags
	var rebuild bool
	var setup doctor.Setup
	c := &cobra.Command{
		Use: "check", Short: "find what is wrong with the installation",
		Long: "Checks the configuration, files, keys, store, audit log, disk, clock, mail server, certificate, public URL, proxy and backups, and says for each\n" +
			"fault how to mend it. It changes nothing. While the service runs, it asks the service; the pages and indexes of the store are checked only while\n" +
			"it does not run. The exit code is 1 if there is an error, and 0 with warnings only.\n\n" +
			"With --rebuild-indexes it instead repairs the indexes of a stopped service.",
		Args: cli.ExactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if rebuild && (setup.NTP != "" || setup.Send != "") {
				return cli.Usagef("--rebuild-indexes repairs only: it cannot be combined with --ntp or --send")
			}
			if rebuild {
				conf, err := flags.Load(p.Environ)
				if err != nil {
					return err
				}
				return p.rebuildIndexes(c.Context(), conf)
			}
			if err := p.setUpCheck(&setup, &flags); err != nil {
				return err
			}
			report, err := doctor.Run(c.Context(), setup)
			if err != nil {
				return err
			}
			return report.Print(&p.Program)
		},
	}
	flags.Register(c, "key_file")
	p.JSONFlag(c)
	c.Flags().BoolVar(&rebuild, "rebuild-indexes", false, "write what is missing in the indexes and delete what is wrong")
	c.Flags().StringVar(&setup.NTP, "ntp", "", "NTP server with which the clock is compared")
	c.Flags().StringVar(&setup.Send, "send", "", "address to which a test mail is sent")
	return c
}

// setUpCheck sets what the configuration says. Only an invalid command line is an error.
func (p *program) setUpCheck(s *doctor.Setup, flags *config.Flags) error {
	c, err := flags.Load(p.Environ)
	if _, wrong := errors.AsType[*cli.UsageError](err); wrong {
		return err
	}
	s.Now, s.HintOf = now, hintOf
	if err != nil {
		s.Invalid, s.Hint = err, hintOf(err)
		return nil
	}
	if c.Data != "" {
		_ = c.NeedData() // sets the key file
	}
	s.ConfigFile, s.Warnings = config.File(flags.File, p.Environ), c.Warnings
	s.Data, s.Store, s.Key = c.Data, filepath.Join(c.Data, datadir.StoreName), c.KeyFile
	s.PublicURL, s.TrustedProxies, s.Support = string(c.PublicURL), c.TrustedProxies, string(c.Support.Email)
	if c.SMTP.Host != "" {
		server := smtpConfig(c, c.Origin(""))
		server.Password, _ = c.SMTPPassword() // an error is found with the file
		s.Mail, s.PasswordFile = &server, c.SMTP.PasswordFile
	}
	s.Dial = func(ctx context.Context) (net.Conn, error) { return dialSocket(ctx, c.Data) }
	s.Open = func(ctx context.Context) (*doctor.Inside, func() error, error) { return p.openForCheck(ctx, c) }
	return nil
}

func hintOf(err error) string {
	if h, ok := errors.AsType[*cli.HintError](err); ok {
		return h.Hint
	}
	return ""
}

// openForCheck opens the store of a service that does not run.
func (p *program) openForCheck(ctx context.Context, c *config.Config) (*doctor.Inside, func() error, error) {
	dir, a, err := p.openApp(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	in := a.inside()
	in.Indexes = func(ctx context.Context) ([]store.IndexReport, error) { return a.checkIndexes(ctx, false) }
	return in, dir.Store.Close, nil
}

func (p *program) openApp(ctx context.Context, c *config.Config) (*datadir.Dir, *app, error) {
	dir, err := datadir.Open(ctx, c, false, now, p.exitOnDamage)
	if err != nil {
		return nil, nil, err
	}
	a, err := newApp(c, dir, c.Origin(""), slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, nil, errors.Join(err, dir.Store.Close())
	}
	return dir, a, nil
}

// inside returns what the checks of the store read.
func (a *app) inside() *doctor.Inside {
	return &doctor.Inside{Store: a.dataDir.Store, Ring: a.dataDir.Ring, Log: a.accounts.Log, Tree: a.tree, Keys: a.oidc.Keys, Now: now}
}

// checkIndexes compares each index with a scan of all users, grants or events.
func (a *app) checkIndexes(ctx context.Context, repair bool) ([]store.IndexReport, error) {
	found, err := roster.NewChecker(a.accounts, a.dataDir.Ring).Check(ctx, repair)
	if err != nil {
		return nil, err
	}
	grants, err := a.oidc.Tokens.CheckIndex(ctx, repair)
	if err != nil {
		return nil, err
	}
	events, err := a.accounts.Log.CheckIndex(ctx, a.dataDir.Store, repair)
	return append(found, grants, events), err
}

func (p *program) rebuildIndexes(ctx context.Context, conf *config.Config) (err error) {
	dir, a, err := p.openApp(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Store.Close()) }()
	found, err := a.checkIndexes(ctx, true)
	if err != nil {
		return err
	}
	return p.printIndexes(found)
}

// printIndexes prints the reports of a repair.
func (p *program) printIndexes(found []store.IndexReport) (err error) {
	faults := 0
	rows := [][]string{{"index", "entries", "missing", "wrong"}}
	all := make([]map[string]any, len(found))
	for i, x := range found {
		faults += x.Missing + x.Wrong
		rows = append(rows, []string{x.Name, strconv.Itoa(x.Entries), strconv.Itoa(x.Missing), strconv.Itoa(x.Wrong)})
		all[i] = map[string]any{"index": x.Name, "entries": x.Entries, "missing": x.Missing, "wrong": x.Wrong}
	}
	if p.JSON {
		err = p.Result(map[string]any{"indexes": all, "repaired": true})
	} else {
		err = p.Table(rows)
	}
	if err == nil && faults > 0 {
		p.Note("repaired %d entries", faults)
	}
	return err
}
