package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"barillet/authn/roster"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/store"
)

func (p *program) checkCommand() *cobra.Command {
	var flags config.Flags
	var rebuild bool
	c := &cobra.Command{
		Use: "check", Short: "compare the indexes of a stopped service with its records",
		Long: "Compares each index with a scan of all users, grants or events and prints its entries, those that are missing and those that are wrong. The\n" +
			"service must not run. Without --rebuild-indexes it repairs nothing, and the exit code is 1 if an entry is missing or wrong.",
		Args: cli.ExactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := flags.Load(p.Environ)
			if err != nil {
				return err
			}
			return p.check(c.Context(), conf, rebuild)
		},
	}
	flags.Register(c, "key_file")
	p.JSONFlag(c)
	c.Flags().BoolVar(&rebuild, "rebuild-indexes", false, "write what is missing and delete what is wrong")
	return c
}

func (p *program) check(ctx context.Context, conf *config.Config, rebuild bool) (err error) {
	dir, err := datadir.Open(ctx, conf, false, now, p.exitOnDamage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Store.Close()) }()
	a, err := newApp(conf, dir, conf.Origin(""), slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	found, err := roster.NewChecker(a.accounts, dir.Ring).Check(ctx, rebuild)
	if err != nil {
		return err
	}
	grants, err := a.oidc.Tokens.CheckIndex(ctx, rebuild)
	if err != nil {
		return err
	}
	events, err := a.accounts.Log.CheckIndex(ctx, dir.Store, rebuild)
	if err != nil {
		return err
	}
	found = append(found, grants, events)
	return p.printCheck(found, rebuild)
}

// printCheck prints the reports. Without a repair, its error says how many entries are at fault.
func (p *program) printCheck(found []store.IndexReport, repaired bool) (err error) {
	faults := 0
	rows := [][]string{{"index", "entries", "missing", "wrong"}}
	all := make([]map[string]any, len(found))
	for i, x := range found {
		faults += x.Missing + x.Wrong
		rows = append(rows, []string{x.Name, strconv.Itoa(x.Entries), strconv.Itoa(x.Missing), strconv.Itoa(x.Wrong)})
		all[i] = map[string]any{"index": x.Name, "entries": x.Entries, "missing": x.Missing, "wrong": x.Wrong}
	}
	if p.JSON {
		err = p.Result(map[string]any{"indexes": all, "repaired": repaired})
	} else {
		err = p.Table(rows)
	}
	switch {
	case err != nil || faults == 0:
		return err
	case repaired:
		p.Note("repaired %d entries", faults)
		return nil
	}
	return cli.WithHint(fmt.Errorf("%d index entries are missing or wrong", faults), "barillet check --rebuild-indexes repairs them")
}
