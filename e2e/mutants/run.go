package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"barillet/store/storetest"
)

// The verdicts on a mutant. Every other than caught is an error: of the tests, or of the list.
const (
	caught  = "caught"
	missed  = "NOT CAUGHT"
	endless = "NO END"
)

// limit ends a test that does not end. The tests of a mutant take seconds.
const limit = 2 * time.Minute

type result struct {
	mutant  mutant
	verdict string
	output  string
	took    time.Duration
}

// temporary holds what one run writes. A test that panics, or that does not end, leaves its files behind.
type temporary struct {
	disk   string
	memory string // for the stores of the tests; "": there is no file system in memory
}

func makeTemporary() (temporary, error) {
	disk, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return temporary{}, err
	}
	memory, _ := os.MkdirTemp(storetest.Memory, "mutants-")
	return temporary{disk, memory}, nil
}

func (t temporary) remove() error {
	return errors.Join(os.RemoveAll(t.disk), os.RemoveAll(t.memory))
}

// command returns a command whose temporary files, and those of its children, are in t. With the context it is interrupted,
// and killed after a while.
func (t temporary) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+t.disk, storetest.MemoryVariable+"="+t.memory)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// testAll tests the mutants of a module that are chosen, and calls report with the results of each package. The binaries
// contain all of the mutants, also those that are not chosen: then one compilation serves each choice.
func testAll(ctx context.Context, root string, all, picked []mutant, parallel int, report func([]result)) (err error) {
	temp, err := makeTemporary()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.remove()) }()
	overlay, err := writeOverlay(root, all, temp.disk)
	if err != nil {
		return err
	}
	for _, group := range packages(picked) {
		binary, err := build(ctx, temp, root, group[0].pkg, overlay)
		if err != nil {
			return err
		}
		r := runner{filepath.Join(root, group[0].pkg), binary, temp}
		results, err := r.testPackage(ctx, group, parallel)
		if err != nil {
			return err
		}
		report(results)
	}
	return nil
}

// runner runs a test binary in the directory of its package.
type runner struct {
	dir, binary string
	temp        temporary
}

// testPackage tests mutants whose tests are in one package. It returns an error if one of the tests fails without a mutant:
// it would fail for every one.
func (r runner) testPackage(ctx context.Context, mutants []mutant, parallel int) ([]result, error) {
	var patterns []string
	for _, m := range mutants {
		patterns = append(patterns, "^("+m.run+")$")
	}
	slices.Sort(patterns)
	if out, err := r.run(ctx, strings.Join(slices.Compact(patterns), "|"), ""); err != nil {
		return nil, fmt.Errorf("testing %s without a mutant: %w\n%s", mutants[0].pkg, err, out)
	}
	results := make([]result, len(mutants))
	var workers sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i, m := range mutants {
		places <- struct{}{}
		workers.Go(func() {
			results[i] = r.test(ctx, m)
			<-places
		})
	}
	workers.Wait()
	return results, ctx.Err()
}

// test tests one mutant.
func (r runner) test(ctx context.Context, m mutant) result {
	started := time.Now()
	out, err := r.run(ctx, "^("+m.run+")$", m.id)
	got := result{mutant: m, verdict: caught, output: out, took: time.Since(started)}
	switch {
	case err == nil:
		got.verdict = missed
	case strings.Contains(out, "panic: test timed out") && !m.hangs:
		got.verdict = endless
	}
	return got
}

func (r runner) run(ctx context.Context, run, id string) (string, error) {
	cmd := r.temp.command(ctx, r.dir, r.binary, "-test.run="+run, "-test.failfast", "-test.count=1", "-test.timeout="+limit.String())
	cmd.Env = append(cmd.Env, chosen+"="+id)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
