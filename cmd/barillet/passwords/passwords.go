// Package passwords has the commands of the filter of breached passwords, and gives it to the service.
package passwords

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"barillet/authn/password/breach"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/store"
)

// Breached returns the look-up in the filter of a data directory, which there may not be. A damaged filter is logged at once and at
// each look-up, and refuses no password: sign-ins go on.
func Breached(dir string, log *slog.Logger) func(password string) bool {
	f := breach.NewFile(filepath.Join(dir, breach.Name))
	warn := func(err error) {
		log.Warn("breached passwords are not refused: import the list again", "file", filepath.Join(dir, breach.Name), "error", err)
	}
	if _, err := f.Info(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		warn(err)
	}
	return func(password string) bool {
		found, err := f.Contains(password)
		if err != nil {
			warn(err)
		}
		return found
	}
}

// Command returns the command and those below it.
func Command(p *cli.Program) *cobra.Command {
	return cli.Parent("passwords", "refuse passwords that appeared in a data breach", importCommand(p), statusCommand(p))
}

func importCommand(p *cli.Program) *cobra.Command {
	var flags config.Flags
	var minCount uint64
	c := &cobra.Command{
		Use: "import FILE", Short: "make the filter of breached passwords from a list of SHA-1 hashes",
		Long: "Makes the filter from the list of Pwned Passwords or another one: a SHA-1 hash in hexadecimal on each line, with or without a colon\n" +
			"and a count, sorted or not, as text or gzip; - reads it from stdin. The filter replaces the one before. A running service uses it at\n" +
			"once. Current passwords stay valid; a chosen password is refused if the filter contains it.",
		Args: cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := dataDir(p, &flags)
			if err != nil {
				return err
			}
			list := p.Stdin
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("opening the list: %w", err)
				}
				defer file.Close()
				list = file
			}
			info, err := breach.Import(c.Context(), dir, list, minCount, p.Now())
			if err != nil {
				return fmt.Errorf("importing %s: %w", args[0], withHint(err))
			}
			return show(p, dir, info)
		},
	}
	flags.Register(c)
	p.JSONFlag(c)
	c.Flags().Uint64Var(&minCount, "min-count", 1, "leave out passwords that were seen less often")
	return c
}

func statusCommand(p *cli.Program) *cobra.Command {
	var flags config.Flags
	c := &cobra.Command{
		Use: "status", Short: "check the filter of breached passwords and print its age and size",
		Args: cli.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			dir, err := dataDir(p, &flags)
			if err != nil {
				return err
			}
			info, err := breach.Verify(filepath.Join(dir, breach.Name))
			if err != nil {
				return cli.WithHint(err, "barillet passwords import FILE makes it")
			}
			return show(p, dir, info)
		},
	}
	flags.Register(c)
	p.JSONFlag(c)
	return c
}

// dataDir returns the data directory of the configuration, which has a store.
func dataDir(p *cli.Program, flags *config.Flags) (string, error) {
	conf, err := flags.Load(p.Environ)
	if err == nil {
		err = conf.NeedData()
	}
	if err != nil {
		return "", err
	}
	fresh, err := datadir.Inspect(conf)
	if err == nil && fresh {
		err = cli.WithHint(fmt.Errorf("data directory %s is empty", conf.Data), "barillet serve, user add, token create and client add initialize it")
	}
	return conf.Data, err
}

func withHint(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cli.WithHint(err, "the file is cut or damaged: download it again")
	}
	return err
}

func show(p *cli.Program, dir string, info breach.Info) error {
	if p.JSON {
		return p.Result(info)
	}
	return p.Line("%s: %s passwords seen at least %s times, %s, imported %s; one in %s others is refused by mistake", filepath.Join(dir, breach.Name),
		strconv.FormatUint(info.Entries, 10), strconv.FormatUint(info.MinCount, 10), store.Size(info.Size), p.Moment(info.Imported),
		strconv.FormatFloat(1/info.FalsePositives(), 'f', 0, 64))
}
