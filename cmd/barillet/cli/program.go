// Package cli contains what all commands share: input and output (results on stdout, everything else on stderr), usage errors,
// and the format of times and tables.
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

	"barillet/internal/input"
)

// Program is one run of the program.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Zone           *time.Location   // zone of printed times
	Now            func() time.Time // the clock
	JSON           bool             // results on stdout as JSON
}

// JSONFlag adds --json to a command.
func (p *Program) JSONFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.JSON, "json", false, "print results as JSON")
}

// Note prints a line on stderr.
func (p *Program) Note(format string, args ...any) {
	fmt.Fprintf(p.Stderr, format+"\n", args...)
}

// Result prints a result as JSON.
func (p *Program) Result(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding result: %w", err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s\n", text)
	return err
}

// Line prints one line of a result. The caller applies Plain to text of unauthenticated clients.
func (p *Program) Line(format string, args ...any) error {
	_, err := fmt.Fprintf(p.Stdout, format+"\n", args...)
	return err
}

// Table prints rows in aligned columns.
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

// Moment formats a time to the minute in the zone of the program; the zero time is "-".
func (p *Program) Moment(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.In(p.Zone).Format("2006-01-02 15:04 MST")
}

// Plain removes characters that control a terminal, cannot be seen or change the direction of text.
func Plain(s string) string { return input.Plain(s) }

// ErrNoTerminal is returned by Ask without a terminal.
var ErrNoTerminal = errors.New("no terminal")

// Ask prints a question at the terminal and returns the first line of the answer, trimmed and in lower case.
func (p *Program) Ask(question string) (string, error) {
	if !Terminal(p.Stdin) || !Terminal(p.Stderr) {
		return "", ErrNoTerminal
	}
	fmt.Fprint(p.Stderr, question)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading answer: %w", err)
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}

// Terminal reports whether a stream is a terminal.
func Terminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	return isTerminal(file.Fd())
}
