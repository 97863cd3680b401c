package doctor

import (
	"fmt"
	"strings"

	"barillet/cmd/barillet/cli"
)

// Print prints a report, and returns an error if it has one: the exit code is then 1. Warnings leave it at 0.
func (r *Report) Print(p *cli.Program) error {
	failed, warned, skipped := r.Count(Error), r.Count(Warning), r.Count(Skipped)
	var err error
	if p.JSON {
		err = p.Result(map[string]any{"findings": r.Findings, "errors": failed, "warnings": warned, "skipped": skipped})
	} else {
		err = r.printText(p)
	}
	if err != nil || failed == 0 {
		return err
	}
	return fmt.Errorf("%d errors, %d warnings", failed, warned)
}

// printText prints the findings by group.
func (r *Report) printText(p *cli.Program) error {
	group := ""
	for _, f := range r.Findings {
		if of, _, _ := strings.Cut(f.ID, "."); of != group {
			group = of
			if err := p.Line("%s", group); err != nil {
				return err
			}
		}
		if err := p.Line("  %-8s %-16s %s", f.Severity, f.ID, cli.Plain(f.Message)); err != nil {
			return err
		}
		if f.Remedy == "" {
			continue
		}
		if err := p.Line("  %-8s %-16s remedy: %s", "", "", cli.Plain(f.Remedy)); err != nil {
			return err
		}
	}
	return p.Line("%d checks: %d ok, %d warnings, %d errors, %d skipped", len(r.Findings), r.Count(OK), r.Count(Warning), r.Count(Error), r.Count(Skipped))
}
