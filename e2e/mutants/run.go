package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
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

func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return cmd
}

// testPackage tests the mutants whose tests are in one package. It returns an error if they do not compile, or if one of
// the tests fails without a mutant: it would fail for every one.
func testPackage(ctx context.Context, root string, mutants []mutant, parallel int) ([]result, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	pkg := mutants[0].pkg
	binary, err := build(ctx, root, pkg, mutants, dir)
	if err != nil {
		return nil, err
	}
	at := filepath.Join(root, pkg)
	var patterns []string
	for _, m := range mutants {
		patterns = append(patterns, "^("+m.run+")$")
	}
	slices.Sort(patterns)
	if out, err := runTests(ctx, at, binary, strings.Join(slices.Compact(patterns), "|"), ""); err != nil {
		return nil, fmt.Errorf("testing %s without a mutant: %w\n%s", pkg, err, out)
	}
	results := make([]result, len(mutants))
	var workers sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i, m := range mutants {
		places <- struct{}{}
		workers.Go(func() {
			results[i] = test(ctx, at, binary, m)
			<-places
		})
	}
	workers.Wait()
	return results, ctx.Err()
}

// test tests one mutant.
func test(ctx context.Context, dir, binary string, m mutant) result {
	started := time.Now()
	out, err := runTests(ctx, dir, binary, "^("+m.run+")$", m.number)
	r := result{mutant: m, verdict: caught, output: out, took: time.Since(started)}
	switch {
	case err == nil:
		r.verdict = missed
	case strings.Contains(out, "panic: test timed out") && !m.hangs:
		r.verdict = endless
	}
	return r
}

func runTests(ctx context.Context, dir, binary, run, number string) (string, error) {
	cmd := command(ctx, dir, binary, "-test.run="+run, "-test.failfast", "-test.count=1", "-test.timeout="+limit.String())
	cmd.Env = append(os.Environ(), chosen+"="+number)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
