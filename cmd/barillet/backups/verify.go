package backups

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/internal/backup"
	"barillet/store"
)

// VerifyCommand returns the command that verifies a backup.
func VerifyCommand(p *cli.Program) *cobra.Command {
	var flags config.Flags
	var identity string
	c := &cobra.Command{
		Use: "verify FILE", Short: "check that a backup is whole and was made with the key file",
		Long: "Reads a backup to its end, and compares it with its manifest, which only the key file can authenticate. It needs the\n" +
			"key file, and the identity file for an encrypted backup, but no store. It writes nothing.",
		Args: cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := flags.Load(p.Environ)
			if err != nil {
				return err
			}
			return verify(c.Context(), p, conf, args[0], identity)
		},
	}
	flags.Register(c, "key_file")
	p.JSONFlag(c)
	c.Flags().StringVar(&identity, "identity", "", "file with the secret key of age")
	return c
}

func verify(ctx context.Context, p *cli.Program, conf *config.Config, path, identity string) error {
	if conf.KeyFile == "" {
		if err := conf.NeedData(); err != nil {
			return err
		}
	}
	keys, err := conf.KeySource().Read()
	if err != nil {
		return err
	}
	var identities backup.Identities
	if identity != "" {
		if identities, err = backup.ReadIdentities(identity); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the backup: %w", err)
	}
	defer f.Close()
	b, err := backup.Open(f, keys, identities)
	if err == nil {
		err = b.Verify(ctx)
	}
	if err != nil {
		return withRemedy(fmt.Errorf("%s: %w", path, err))
	}
	m := b.Manifest
	if p.JSON {
		return p.Result(m)
	}
	return p.Line("%s is whole: made %s by %s, with %d records and %d entries of the audit log", path, p.Moment(m.At), m.Program, m.Records, m.AuditSize)
}

// withRemedy adds a hint to the error of a backup that cannot be read.
func withRemedy(err error) error {
	switch {
	case errors.Is(err, backup.ErrNoIdentity):
		return cli.WithHint(err, "name the file with the secret key with --identity")
	case errors.Is(err, store.ErrWrongKey):
		return cli.WithHint(err, "name the key file of the store with --key-file")
	case errors.Is(err, store.ErrNewer):
		return cli.WithHint(err, "use the version of the program that made it, or a newer one")
	case errors.Is(err, backup.ErrDamaged):
		return cli.WithHint(err, "use another backup")
	}
	return err
}
