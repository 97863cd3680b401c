// Package cli owns what all commands of the program share: where they read and write, how they speak (results on
// stdout, everything else on stderr, calmly), what is a wrong command line, and how people read times and tables. It
// knows no command.
package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// Program is one run of the command line.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Zone           *time.Location   // in which times are printed for people
	Now            func() time.Time // the clock
	JSON           bool             // results on stdout as JSON
}

// JSONFlag adds --json to a command that prints results.
func (p *Program) JSONFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.JSON, "json", false, "print results as JSON")
}

// Note says something that is no result.
func (p *Program) Note(format string, args ...any) {
	fmt.Fprintf(p.Stderr, format+"\n", args...)
}

// Result prints a result for programs.
func (p *Program) Result(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s\n", text)
	return err
}

// Line prints one line of a result for people. What strangers typed is made Plain by the caller.
func (p *Program) Line(format string, args ...any) error {
	_, err := fmt.Fprintf(p.Stdout, format+"\n", args...)
	return err
}

// Table prints rows for people, in columns.
func (p *Program) Table(rows [][]string) error {
	t := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = Plain(cell)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// Moment is how a time is printed for people: to the minute, in the zone of the machine; "-" for never.
func (p *Program) Moment(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.In(p.Zone).Format("2006-01-02 15:04 MST")
}

// Plain keeps what strangers typed from driving the terminal.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}

// ErrNoTerminal tells that there is nobody to ask.
var ErrNoTerminal = errors.New("no terminal to ask at")

// Ask asks whoever sits at the terminal, and gives the first line of the answer without blanks, in small letters.
func (p *Program) Ask(question string) (string, error) {
	if !Terminal(p.Stdin) || !Terminal(p.Stderr) {
		return "", ErrNoTerminal
	}
	fmt.Fprint(p.Stderr, question)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}

// Terminal tells whether somebody sits at the other end of a stream.
func Terminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}
