package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/store"
)

// killDir is the environment variable that gives the child process the directory of its store.
const killDir = "BARILLET_STORETEST_KILL_DIR"

const killWriters = 4

// RunKill tests that a write survives a kill after Update returned (promise D1). It starts the test binary as a child
// process that runs only the calling test and writes to the store. It kills the child (SIGKILL) after a varying time.
// Then it opens the store and checks each write for which Update returned nil in the child. times is the number of kills.
func RunKill(t *testing.T, times int, open func(t *testing.T, dir string) store.Store) {
	if dir := os.Getenv(killDir); dir != "" {
		writeUntilKilled(t, open(t, dir))
		return
	}
	dir := t.TempDir()
	last := make([]int, killWriters) // highest stored number of each writer
	for i := range times {
		killOnce(t, dir, time.Duration(5+i*7%40)*time.Millisecond, last)
		s := open(t, dir)
		for writer, reported := range last {
			number := 0
			fmt.Sscan(get(t, s, fmt.Sprintf("counter/%d", writer)), &number)
			if number < reported {
				t.Errorf("kill %d: writer %d reported %d, the store has %d", i, writer, reported, number)
			}
			// An Update stores both of its records, or none.
			expect(t, s, fmt.Sprintf("entry/%d-%09d", writer, number), entry(number))
			expect(t, s, fmt.Sprintf("entry/%d-%09d", writer, number+1), "")
			last[writer] = number
		}
		if err := s.Close(); err != nil {
			t.Fatalf("kill %d: closing: %v", i, err)
		}
	}
	for writer, number := range last {
		if number == 0 {
			t.Errorf("writer %d never wrote", writer)
		}
	}
}

func killOnce(t *testing.T, dir string, after time.Duration, last []int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), killDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var writer, number int
		if n, _ := fmt.Sscanf(lines.Text(), "stored %d %d", &writer, &number); n != 2 || !strings.HasSuffix(lines.Text(), ".") {
			continue // a line cut by the kill, or a line of the test runner
		}
		last[writer] = max(last[writer], number)
		kill.Do(func() { time.AfterFunc(after, func() { child.Process.Kill() }) })
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
}

func writeUntilKilled(t *testing.T, s store.Store) {
	var all sync.WaitGroup
	for writer := range killWriters {
		all.Go(func() {
			for {
				number, err := store.Do(background, s, func(tx store.Tx) (int, error) { return writeNext(tx, writer) })
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprintf(os.Stdout, "stored %d %d .\n", writer, number)
			}
		})
	}
	all.Wait()
}

func writeNext(tx store.Tx, writer int) (int, error) {
	counter, number := fmt.Sprintf("counter/%d", writer), 0
	raw, err := tx.Get(counter)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	fmt.Sscan(string(raw), &number)
	number++
	return number, errors.Join(
		tx.Put(fmt.Sprintf("entry/%d-%09d", writer, number), []byte(entry(number))),
		tx.Put(counter, []byte(fmt.Sprint(number))))
}

// entry returns a value whose size varies up to several pages, so that commits differ.
func entry(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprint(number, strings.Repeat("x", number*977%9000))
}
