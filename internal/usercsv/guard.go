package usercsv

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// A spreadsheet takes a cell that begins with one of these for a formula, whatever it is quoted with.
const formula = "=+-@\t\r"

// guard puts an apostrophe before what would start a formula, and before a cell that looks guarded already, so that
// unguard gives back exactly what there was.
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

func starts(cell, with string) bool { return cell != "" && strings.IndexByte(with, cell[0]) >= 0 }

// Style says how a list is written. The zero value has commas and no byte order mark.
type Style struct {
	Semicolons bool // Excel reads lists so where the comma is in numbers
	Mark       bool // a byte order mark, without which Excel takes UTF-8 for something else
}

// Write writes a list: the columns, then a row for each person. Read gives back the same cells.
func Write(w io.Writer, style Style, columns []string, rows [][]string) error {
	if style.Mark {
		if _, err := io.WriteString(w, "\xef\xbb\xbf"); err != nil {
			return fmt.Errorf("writing the list: %w", err)
		}
	}
	c := csv.NewWriter(w)
	if style.Semicolons {
		c.Comma = ';'
	}
	for i, row := range append([][]string{columns}, rows...) {
		out := make([]string, len(row))
		for n, cell := range row {
			if out[n] = cell; i > 0 {
				out[n] = guard(cell)
			}
		}
		if err := c.Write(out); err != nil {
			return fmt.Errorf("writing the list: %w", err)
		}
	}
	if c.Flush(); c.Error() != nil {
		return fmt.Errorf("writing the list: %w", c.Error())
	}
	return nil
}
