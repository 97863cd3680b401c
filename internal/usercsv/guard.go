package usercsv

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"barillet/internal/input"
)

// formula contains the first characters of cells that a spreadsheet evaluates as a formula, even in quotes. Japanese ones take
// letters of double width for those of ASCII.
const formula = "=+-@＝＋－＠\t\r\n"

// guard prepends an apostrophe to a formula, and to a cell that looks guarded, so that unguard returns the original cell.
func guard(cell string) string {
	if starts(cell, formula) || starts(cell, "'") && starts(cell[1:], formula+"'") {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if starts(cell, "'") && starts(cell[1:], formula+"'") {
		return cell[1:]
	}
	return cell
}

func starts(cell, with string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return cell != "" && strings.ContainsRune(with, first)
}

// Style is the format of a written file. The zero value has commas and no byte order mark.
type Style struct {
	Semicolons bool // for Excel in languages with a decimal comma
	Mark       bool // a byte order mark, which Excel needs to detect UTF-8
}

// Write writes the columns and the rows. Read returns the same cells, without characters that change the direction of text.
func Write(w io.Writer, style Style, columns []string, rows [][]string) error {
	c, err := NewWriter(w, style, columns)
	if err != nil {
		return err
	}
	return c.Write(rows)
}

// Writer writes the rows of a file in parts.
type Writer struct{ csv *csv.Writer }

// NewWriter writes the columns, and returns a Writer for the rows.
func NewWriter(w io.Writer, style Style, columns []string) (*Writer, error) {
	if style.Mark {
		if _, err := io.WriteString(w, "\xef\xbb\xbf"); err != nil {
			return nil, fmt.Errorf("writing CSV file: %w", err)
		}
	}
	c := &Writer{csv.NewWriter(w)}
	if style.Semicolons {
		c.csv.Comma = ';'
	}
	return c, c.write([][]string{columns}, func(cell string) string { return cell })
}

// Write writes rows. No cell starts a formula.
func (c *Writer) Write(rows [][]string) error { return c.write(rows, guard) }

func (c *Writer) write(rows [][]string, guard func(string) string) error {
	for _, row := range rows {
		out := make([]string, len(row))
		for n, cell := range row {
			out[n] = guard(input.WithoutOverrides(cell))
		}
		if err := c.csv.Write(out); err != nil {
			return fmt.Errorf("writing CSV file: %w", err)
		}
	}
	if c.csv.Flush(); c.csv.Error() != nil {
		return fmt.Errorf("writing CSV file: %w", c.csv.Error())
	}
	return nil
}
