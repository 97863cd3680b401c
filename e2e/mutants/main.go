// Command mutants proves that tests protect the guards of the service: comparisons, limits, expiries, checks of scope. Each
// file testdata/mutants.txt of a package lists lines and a wrong form of each. The command tests one wrong form at a time
// and fails if no test does. It compiles them through an overlay and changes no file of the tree.
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
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
	only := flags.String("only", "", "test only mutants whose file, reason or test contains this text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := readLists(".")
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.file+" "+m.why+" "+m.run, *only) })
	if *sample > 0 {
		all = choose(all, *sample, *seed)
		fmt.Fprintf(out, "%d mutants chosen by the seed %q\n", len(all), *seed)
	}
	started := time.Now()
	if *sample == 0 { // else the tests have passed before
		if err := testUnchanged(ctx, all); err != nil {
			return err
		}
		fmt.Fprintf(out, "all tests pass on the unchanged code (%.0f s)\n", time.Since(started).Seconds())
	}
	missed := 0
	for r := range testAll(ctx, all, *parallel) {
		fmt.Fprintf(out, "%-11s %5.1f s  %s: %s\n", r.verdict, r.took.Seconds(), r.mutant.place(), r.mutant.why)
		if r.verdict != caught {
			missed++
			fmt.Fprintf(out, "\t- %s\n\t+ %s\n%s", r.mutant.old, r.mutant.new, r.output)
		}
	}
	fmt.Fprintf(out, "%d of %d mutants are caught (%.0f s)\n", len(all)-missed, len(all), time.Since(started).Seconds())
	if err := ctx.Err(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d mutants are not caught", missed)
	}
	return nil
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
