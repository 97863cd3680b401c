package cli_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"barillet/cmd/barillet/cli"
)

// terminal opens both ends of a pseudo-terminal.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

func TestAsk_RequiresTerminal(t *testing.T) {
	user, end := terminal(t)
	p := &cli.Program{Stdin: end, Stderr: end}
	if _, err := user.WriteString(" Yes \n"); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Ask("for ever? "); err != nil || got != "yes" {
		t.Errorf("got %q, %v", got, err)
	}
	shown, err := bufio.NewReader(user).ReadString('?')
	if err != nil || !bytes.Contains([]byte(shown), []byte("for ever")) {
		t.Errorf("got %q, %v, want the question", shown, err)
	}
	for name, p := range map[string]*cli.Program{
		"no terminal for input":  {Stdin: &bytes.Buffer{}, Stderr: end},
		"no terminal for output": {Stdin: end, Stderr: &bytes.Buffer{}},
	} {
		if _, err := p.Ask("?"); !errors.Is(err, cli.ErrNoTerminal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
