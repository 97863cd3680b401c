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

// terminal opens both ends of a terminal: what somebody types at, and what the program sees.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func TestAQuestionIsAskedAtATerminalAndNowhereElse(t *testing.T) {
	person, end := terminal(t)
	p := &cli.Program{Stdin: end, Stderr: end}
	if _, err := person.WriteString(" Yes \n"); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Ask("for ever? "); err != nil || got != "yes" {
		t.Errorf("got %q, %v", got, err)
	}
	shown, err := bufio.NewReader(person).ReadString('?')
	if err != nil || !bytes.Contains([]byte(shown), []byte("for ever")) {
		t.Errorf("got %q, %v, want the question", shown, err)
	}
	for name, p := range map[string]*cli.Program{
		"nobody types": {Stdin: &bytes.Buffer{}, Stderr: end},
		"nobody reads": {Stdin: end, Stderr: &bytes.Buffer{}},
	} {
		if _, err := p.Ask("?"); !errors.Is(err, cli.ErrNoTerminal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
