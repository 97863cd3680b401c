package restore

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"barillet/authn/generation"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/internal/audit"
)

// Command returns the command barillet restore.
func Command(p *cli.Program, open Opener) *cobra.Command {
	var flags config.Flags
	var j job
	var acceptLost bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "make a data directory from a backup",
		Long: "Checks a backup and makes its store in an empty data directory, as a new generation: sessions, links, tickets, grants, tokens, API\n" +
			"tokens, waiting mail and used codes of before are dead. It needs the key file of the service that made the backup.\n\n" +
			"With --log and --head, it verifies the audit log that audit export wrote since the backup, up to a head of audit head, and ends\n" +
			"again what had ended since: devices, roles, passwords, users and others. With --accept-lost, there is no such log. Then all\n" +
			"recovery codes are dead, hardware tokens are frozen, signing keys are new, webhooks and service clients are off, roles rest until\n" +
			"barillet user role add confirms them, and every password must change after the next complete sign-in.",
		Args: cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := flags.Load(p.Environ)
			if err == nil {
				err = conf.NeedData()
			}
			if err != nil {
				return err
			}
			if err := checkWay(j.log, j.head, acceptLost); err != nil {
				return err
			}
			j.conf, j.open, j.file = conf, open, args[0]
			j.applied = func(r *generation.Renewal) { r.Applied = printer(p) }
			if err := j.run(c.Context()); err != nil {
				return err
			}
			return j.print(p)
		},
	}
	flags.Register(c, "key_file")
	p.JSONFlag(c)
	c.Flags().StringVar(&j.identities, "identity", "", "file with the age identity of an encrypted backup")
	c.Flags().StringVar(&j.log, "log", "", "audit log since the backup, from audit export")
	c.Flags().StringVar(&j.head, "head", "", "signed head of that log, from audit head")
	c.Flags().BoolVar(&acceptLost, "accept-lost", false, "restore without the audit log since the backup")
	return c
}

// checkWay returns an error unless one way is chosen. Without a decision, a restored store would have what has ended.
func checkWay(log, head string, acceptLost bool) error {
	const hint = "--log FILE --head FILE ends again what the log says has ended since the backup; without that log, --accept-lost ends all that may have ended"
	switch {
	case acceptLost && (log != "" || head != ""):
		return cli.Usagef("--accept-lost cannot be combined with --log and --head")
	case !acceptLost && log == "" && head == "":
		return cli.WithHint(cli.Usagef("restore needs either --log and --head, or --accept-lost"), hint)
	case !acceptLost && (log == "" || head == ""):
		return cli.WithHint(cli.Usagef("--log and --head belong together"), hint)
	}
	return nil
}

// printer returns a function that prints an event of the log.
func printer(p *cli.Program) func(e audit.Event, lost bool) {
	return func(e audit.Event, lost bool) {
		what, name := "ended again", e.SubjectName
		if lost {
			what = "lost"
		}
		if name == "" {
			name = e.Subject
		}
		for _, t := range e.Targets {
			if name != "" {
				name += " "
			}
			name += t.Type + " " + t.ID
		}
		p.Note("%s: %s %s %s", what, e.At.Format(time.RFC3339), e.Action, cli.Plain(name))
	}
}

// print prints the result and the next steps.
func (j *job) print(p *cli.Program) error {
	r := j.report
	rows := []struct {
		name, words string
		count       int64
	}{{"users", "users", r.Users}, {"records", "sessions, links, grants, tokens and other records ended", r.Records},
		{"applied", "operations of the log ended again", r.Applied}, {"lost", "operations of the log that the backup lacks", r.Lost},
		{"frozenDevices", "devices frozen, because their used codes are not known", r.Frozen}, {"recoveryLists", "lists of recovery codes ended", r.Lists},
		{"passwords", "passwords that must change", r.Passwords}, {"restingRoles", "roles that rest", r.Roles},
		{"serviceClients", "service clients closed", r.Services}, {"webhooks", "webhooks disabled", r.Webhooks}, {"unreadable", "users who cannot be read", r.Unreadable}}
	if p.JSON {
		out := map[string]any{"generation": r.Generation, "backup": j.manifest.At.UTC().Format(time.RFC3339), "entries": j.manifest.AuditSize}
		for _, row := range rows {
			out[row.name] = row.count
		}
		if err := p.Result(out); err != nil {
			return err
		}
	} else if err := printCounts(p, j, func(each func(string, int64) error) error {
		var err error
		for _, row := range rows {
			err = errors.Join(err, each(row.words, row.count))
		}
		return err
	}); err != nil {
		return err
	}
	j.next(p)
	return nil
}

func printCounts(p *cli.Program, j *job, rows func(each func(string, int64) error) error) error {
	if err := p.Line("restored the backup of %s into %s, as generation %d", p.Moment(j.manifest.At), j.conf.Data, j.report.Generation); err != nil {
		return err
	}
	return rows(func(words string, count int64) error {
		if count == 0 {
			return nil
		}
		return p.Line("%s", fmt.Sprintf("%8d %s", count, words))
	})
}

// next prints the next steps.
func (j *job) next(p *cli.Program) {
	p.Note("next: start the service with --data %s --key-file %s; make API tokens and invitations anew", j.conf.Data, j.conf.KeyFile)
	if j.imported != nil {
		if j.report.Lost > 0 {
			p.Note("next: repeat what the lines above name as lost; clients and webhooks that changed since are off until you change them")
		}
		return
	}
	p.Note("next: barillet user role add EMAIL ROLE confirms a role; barillet user list --role ROLE lists who has one")
	p.Note("next: look through users, applications and webhooks: addresses, memberships and suspensions are those of the backup")
}
