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

// killDir names, for the child, the folder of the store that it writes until it is killed.
const killDir = "BARILLET_STORETEST_KILL_DIR"

const killWriters = 4

// RunKill proves that what an Update has answered survives a kill in mid-write. It starts the test binary
// again as a child that runs only the calling test, lets it write, kills it (SIGKILL) at one moment or
// another, opens the store and looks for every write that the child was told is stored; so often as told.
// Whatever open checks of a store after an unclean stop is checked each time.
func RunKill(t *testing.T, times int, open func(t *testing.T, dir string) store.Store) {
	if dir := os.Getenv(killDir); dir != "" {
		writeUntilKilled(t, open(t, dir))
		return
	}
	dir := t.TempDir()
	last := make([]int, killWriters) // highest number told to be stored, a writer
	for i := range times {
		killOnce(t, dir, time.Duration(5+i*7%40)*time.Millisecond, last)
		s := open(t, dir)
		for writer, told := range last {
			number := 0
			fmt.Sscan(get(t, s, fmt.Sprintf("counter/%d", writer)), &number)
			if number < told {
				t.Errorf("kill %d: writer %d was told %d, the store holds %d", i, writer, told, number)
			}
			// Both records of an Update or none.
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
			t.Errorf("writer %d never wrote: the test proves nothing", writer)
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
	var doom sync.Once
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var writer, number int
		if n, _ := fmt.Sscanf(lines.Text(), "stored %d %d", &writer, &number); n != 2 || !strings.HasSuffix(lines.Text(), ".") {
			continue // a line cut by the kill, or the test runner's own
		}
		last[writer] = max(last[writer], number)
		doom.Do(func() { time.AfterFunc(after, func() { child.Process.Kill() }) })
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
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

// entry is of awkward sizes, up to several pages, so that a kill meets commits of all kinds.
func entry(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprint(number, strings.Repeat("x", number*977%9000))
}
