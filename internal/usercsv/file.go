// Package usercsv reads and writes CSV files of users. It knows the columns and the syntax of the cells, and prevents that
// a spreadsheet evaluates a cell as a formula. It does not validate users.
package usercsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The columns. The name of any other member of a profile has the prefix Custom.
const (
	Login       = "login"
	Email       = "email"
	SecondEmail = "secondEmail"
	FirstName   = "firstName"
	LastName    = "lastName"
	Locale      = "locale"
	Groups      = "groups"  // names or ids, separated by GroupMark
	Key         = "otpauth" // import only
	Custom      = "profile."
	GroupMark   = "|"
)

// Columns are the columns of every file. There is none for roles: a file of a thousand lines must not contain a line that
// makes an administrator.
var Columns = []string{Login, Email, SecondEmail, FirstName, LastName, Locale, Groups, Key}

// The limits of a file. The further members of a profile have at most 16 KiB, so no cell is longer.
const (
	MaxFile = 64 << 20 // bytes
	maxCell = 16 << 10 // bytes
	maxName = 256      // characters of the name of a column
)

// ErrTooLarge is the error of a file of more than MaxFile bytes.
var ErrTooLarge = errors.New("file is larger than 64 MiB")

// Problem is a fault of a file and its place. It contains no cell, but it can contain the name of a column.
type Problem struct {
	Line      int    // from 1
	Column    string // "": the line as a whole
	Character int    // byte of the line, from 1, for a fault of the line; 0 if unknown
	Reason    string // one word
}

// Message returns the reason in words.
func (p Problem) Message() string { return messages[p.Reason] }

var messages = map[string]string{
	"utf16":          "the file is UTF-16: save it as UTF-8",
	"utf8":           "not UTF-8: save the file as UTF-8",
	"empty":          "the file is empty",
	"lone_cr":        "lines end with CR only: save the file with LF or CRLF line ends",
	"no_users":       "the file contains no users",
	"quote":          "misplaced or missing quotation mark",
	"fields":         "the number of cells differs from that of the header",
	"column_empty":   "column without a name",
	"column_unknown": "unknown column",
	"column_role":    "a file cannot assign roles: use barillet user role add",
	"column_twice":   "the column occurs twice",
	"no_login":       "the header needs login or email",
	"control":        "contains a control character",
	"too_long":       "too long",
	"json":           "no JSON after json:",
}

// File is a parsed file: the rows without a problem, and all problems.
type File struct {
	Columns     []string // in the order of the file
	Rows        []Row
	Problems    []Problem
	HeaderValid bool // the header has no problem, so the columns of the cells are known
}

// Has reports whether the file has a column.
func (f *File) Has(column string) bool { return slices.Contains(f.Columns, column) }

// Read parses a file: UTF-8 with or without a byte order mark, separated by commas or semicolons as in the header, quoted
// as in RFC 4180. It returns the error of the reader or ErrTooLarge. The faults of the text are Problems.
func Read(r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading CSV file: %w", err)
	}
	if len(text) > MaxFile {
		return nil, ErrTooLarge
	}
	f := &File{}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	header, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.IndexByte(header, 0) >= 0:
		f.report(Problem{Line: 1, Reason: "utf16"})
	case len(bytes.TrimSpace(text)) == 0:
		f.report(Problem{Line: 1, Reason: "empty"})
	case bytes.IndexByte(bytes.TrimSuffix(header, []byte("\r")), '\r') >= 0:
		f.report(Problem{Line: 1, Reason: "lone_cr"})
	default:
		f.read(text, header)
	}
	return f, nil
}

func (f *File) report(p Problem) { f.Problems = append(f.Problems, p) }

func (f *File) read(text, header []byte) {
	c := csv.NewReader(bytes.NewReader(text))
	c.FieldsPerRecord = -1
	if bytes.IndexByte(header, ';') >= 0 {
		c.Comma = ';'
	}
	first := true
	users := 0
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			p := Problem{Line: broken.StartLine, Character: broken.Column, Reason: "quote"}
			if broken.Line != broken.StartLine { // the cell ends in another line
				p.Character = 0
			}
			f.report(p)
			if first {
				return // the cells have no columns
			}
			users++
			continue
		}
		if first {
			f.head(c, cells)
			first = false
			continue
		}
		if strings.Join(cells, "") != "" { // spreadsheets write lines of separators
			users++
			f.row(c, cells)
		}
	}
	if users == 0 && len(f.Problems) == 0 {
		f.report(Problem{Line: 1, Reason: "no_users"})
	}
}

// head parses the names of the columns.
func (f *File) head(c *csv.Reader, names []string) {
	for i, name := range names {
		line, _ := c.FieldPos(i)
		shown, reason := strings.TrimSpace(name), ""
		for _, known := range Columns {
			if strings.EqualFold(shown, known) {
				shown = known
			}
		}
		switch {
		case !utf8.ValidString(shown):
			shown, reason = strings.ToValidUTF8(shown, "?"), "utf8"
		case shown == "":
			reason = "column_empty"
		case strings.EqualFold(shown, "role"), strings.EqualFold(shown, "roles"):
			reason = "column_role"
		case !slices.Contains(Columns, shown) && !IsCustom(shown):
			reason = "column_unknown"
		case slices.Contains(f.Columns, shown):
			reason = "column_twice"
		}
		if reason != "" {
			if runes := []rune(shown); len(runes) > maxName {
				shown = string(runes[:maxName])
			}
			f.report(Problem{Line: line, Column: shown, Reason: reason})
		}
		f.Columns = append(f.Columns, shown)
	}
	if !f.Has(Login) && !f.Has(Email) {
		f.report(Problem{Line: 1, Reason: "no_login"})
	}
	f.HeaderValid = len(f.Problems) == 0
}

// IsCustom reports whether a column is a further member of a profile.
func IsCustom(name string) bool {
	member, ok := strings.CutPrefix(name, Custom)
	return ok && member != "" && strings.TrimSpace(name) == name && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, unicode.IsControl) &&
		!slices.Contains([]string{Login, Email, SecondEmail, FirstName, LastName, Locale}, member)
}

// row parses one user. A row with a problem is left out.
func (f *File) row(c *csv.Reader, cells []string) {
	line, _ := c.FieldPos(0)
	before := len(f.Problems)
	if len(cells) != len(f.Columns) {
		f.report(Problem{Line: line, Reason: "fields"})
	}
	r := Row{Line: line, Cells: map[string]string{}, lines: map[string]int{}}
	for i, cell := range cells[:min(len(cells), len(f.Columns))] {
		column := f.Columns[i]
		at, _ := c.FieldPos(i)
		if reason := check(cell); reason != "" {
			f.report(Problem{Line: at, Column: column, Reason: reason})
			continue
		}
		r.lines[column] = at
		if cell = unguard(cell); cell != "" {
			r.Cells[column] = cell
		}
	}
	if len(f.Problems) == before {
		f.Rows = append(f.Rows, r)
	}
}

// check returns the reason why a cell is invalid, or "".
func check(cell string) string {
	switch {
	case len(cell) > maxCell:
		return "too_long"
	case !utf8.ValidString(cell):
		return "utf8"
	case strings.ContainsFunc(cell, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return "control"
	}
	return ""
}
