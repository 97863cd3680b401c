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
	if style.Mark {
		if _, err := io.WriteString(w, "\xef\xbb\xbf"); err != nil {
			return fmt.Errorf("writing CSV file: %w", err)
		}
	}
	c := csv.NewWriter(w)
	if style.Semicolons {
		c.Comma = ';'
	}
	for i, row := range append([][]string{columns}, rows...) {
		out := make([]string, len(row))
		for n, cell := range row {
			if out[n] = input.WithoutOverrides(cell); i > 0 {
				out[n] = guard(out[n])
			}
		}
		if err := c.Write(out); err != nil {
			return fmt.Errorf("writing CSV file: %w", err)
		}
	}
	if c.Flush(); c.Error() != nil {
		return fmt.Errorf("writing CSV file: %w", c.Error())
	}
	return nil
}
