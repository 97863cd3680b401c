package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/store"
	"barillet/store/bolt"
)

func (p *program) compactCommand() *cobra.Command {
	var flags config.Flags
	c := &cobra.Command{
		Use: "compact", Short: "give the free space of the store file back to the file system",
		Long: "Rewrites the store file without its free space. The service must not run. The service uses free space in the file\n" +
			"again by itself; compact serves after the deletion of much data.",
		Args: cli.ExactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := flags.Load(p.Environ)
			if err != nil {
				return err
			}
			return p.compact(c, conf)
		},
	}
	flags.Register(c, "key_file")
	p.JSONFlag(c)
	return c
}

func (p *program) compact(c *cobra.Command, conf *config.Config) error {
	if err := conf.NeedData(); err != nil {
		return err
	}
	switch fresh, err := datadir.Inspect(conf); {
	case err != nil:
		return err
	case fresh:
		return fmt.Errorf("data directory %s is empty", conf.Data)
	}
	var space bolt.Space
	after, err := bolt.Compaction{Path: filepath.Join(conf.Data, datadir.StoreName), Before: func(s bolt.Space) {
		space = s
		p.Note("compacting needs %s in %s, which has %s free", store.Size(s.Needed), conf.Data, store.Size(s.Free))
	}}.Run(c.Context())
	if errors.Is(err, bolt.ErrInUse) {
		return cli.WithHint(err, "stop the service that runs on %s first", conf.Data)
	}
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Result(map[string]any{"before": space.File, "after": after})
	}
	fmt.Fprintf(p.Stdout, "%s had %s, has %s\n", filepath.Join(conf.Data, datadir.StoreName), store.Size(space.File), store.Size(after))
	return nil
}
