// Command mutants proves that tests protect the guards of the service: comparisons, limits, expiries, checks of scope. Each
// file testdata/mutants.txt of a package lists lines and a wrong form of each. The command tests one wrong form at a time
// and fails if no test does. It compiles them through an overlay and changes no file of the tree.
//
// A list has blocks of lines, separated by blank lines. To add a guard, add a block:
//
//	why a ticket ends                                  what the guard protects
//	file transaction.go Service.ticketCovers           the file, from the package of the list, and its function
//	- t.ID == tr.Ticket && now.Before(t.Expires)       a text that the function has once
//	+ t.ID == tr.Ticket                                its wrong form
//	test TestTicket_Expires                            the test that fails, in this package, or "test DIR TestName"
//
// A line "hangs" says that a test that does not end has noticed, too.
//
// Usage: go run ./e2e/mutants [-p N] [-sample N -seed TEXT] [-only TEXT]
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	parallel := flags.Int("p", 2, "number of mutants that are tested at once")
	sample := flags.Int("sample", 0, "test only this many mutants, chosen by the seed")
	seed := flags.String("seed", "", "text that chooses the sample, such as a commit")
	only := flags.String("only", "", "test only mutants whose package, file, reason or test contains this text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := readLists(".")
	if err != nil {
		return err
	}
	picked := slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !strings.Contains(m.pkg+" "+m.file+" "+m.why+" "+m.run, *only) })
	if *sample > 0 {
		picked = choose(picked, *sample, *seed)
		fmt.Fprintf(out, "%d mutants chosen by the seed %q\n", len(picked), *seed)
	}
	started, missed := time.Now(), 0
	err = testAll(ctx, ".", all, picked, *parallel, func(results []result) {
		for _, r := range results {
			fmt.Fprintf(out, "%-10s %5.1f s  %s: %s (%s)\n", r.verdict, r.took.Seconds(), r.mutant.place(), r.mutant.why, failed(r.output))
			if r.verdict != caught {
				missed++
				fmt.Fprintf(out, "\t- %s\n\t+ %s\n\ttest: %s %s\n", r.mutant.old, r.mutant.new, r.mutant.pkg, r.mutant.run)
			}
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d mutants are caught (%.0f s)\n", len(picked)-missed, len(picked), time.Since(started).Seconds())
	if missed > 0 {
		return fmt.Errorf("%d mutants are not caught", missed)
	}
	return nil
}

// failed returns the name of the first test that failed, from the output of a test binary.
func failed(output string) string {
	_, rest, _ := strings.Cut("\n"+output, "\n--- FAIL: ")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// choose returns n mutants. The same seed chooses the same ones.
func choose(all []mutant, n int, seed string) []mutant {
	rank := func(m mutant) string {
		sum := sha256.Sum256([]byte(seed + "\x00" + m.file + "\x00" + m.old + "\x00" + m.new))
		return string(sum[:])
	}
	out := slices.SortedFunc(slices.Values(all), func(a, b mutant) int { return cmp.Compare(rank(a), rank(b)) })
	return out[:min(n, len(out))]
}
