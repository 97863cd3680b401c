package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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
	broken  = "NO BUILD"
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

// testUnchanged returns an error if one of the listed tests fails without any change: it would fail for every mutant.
func testUnchanged(ctx context.Context, all []mutant) error {
	patterns := map[string][]string{}
	for _, m := range all {
		if !slices.Contains(patterns[m.pkg], m.run) {
			patterns[m.pkg] = append(patterns[m.pkg], m.run)
		}
	}
	for pkg, runs := range patterns {
		out, err := goTest(ctx, ".", pkg, "("+strings.Join(runs, ")|(")+")")
		if err != nil {
			return fmt.Errorf("testing %s unchanged: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// testAll tests the mutants, several at once, and yields the results as they come.
func testAll(ctx context.Context, all []mutant, parallel int) iter.Seq[result] {
	return func(yield func(result) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		queue, results := make(chan mutant), make(chan result)
		var workers sync.WaitGroup
		for range parallel {
			workers.Go(func() {
				for m := range queue {
					results <- test(ctx, ".", m)
				}
			})
		}
		go func() {
			defer close(results)
			defer workers.Wait()
			defer close(queue)
			for _, m := range all {
				select {
				case queue <- m:
				case <-ctx.Done():
					return
				}
			}
		}()
		open := true
		for r := range results {
			if open = open && yield(r); !open {
				stop()
			}
		}
	}
}

// test tests one mutant of the module in root.
func test(ctx context.Context, root string, m mutant) result {
	started := time.Now()
	out, err := testOverlay(ctx, root, m)
	r := result{mutant: m, output: out, took: time.Since(started)}
	var exit *exec.ExitError
	switch {
	case err == nil:
		r.verdict = missed
	case !errors.As(err, &exit) || strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		r.verdict, r.output = broken, fmt.Sprintf("%v\n%s", err, out)
	case strings.Contains(out, "panic: test timed out") && !m.hangs:
		r.verdict = endless
	default:
		r.verdict = caught
	}
	return r
}

func testOverlay(ctx context.Context, root string, m mutant) (string, error) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(file, m.mutated(), 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return "", err
	}
	return goTest(ctx, root, m.pkg, m.run, "-overlay="+overlay, "-failfast")
}

// goTest runs tests of a package. It leaves out what is slow and proves nothing here: vet and the symbols for a debugger.
func goTest(ctx context.Context, root, pkg, run string, more ...string) (string, error) {
	args := slices.Concat([]string{"test", "-count=1", "-vet=off", "-ldflags=-s -w", "-timeout=" + limit.String(), "-run=" + run}, more, []string{"./" + pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}
