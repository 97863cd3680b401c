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

	"barillet/internal/input"
)

// The columns. The name of any other member of a profile has the prefix Custom.
const (
	Login       = "login"
	Email       = "email"
	SecondEmail = "secondEmail"
	FirstName   = "firstName"
	LastName    = "lastName"
	Locale      = "locale"
	Primary     = "primaryPhone"
	Mobile      = "mobilePhone"
	Groups      = "groups"  // names or ids, separated by GroupMark
	Key         = "otpauth" // import only
	Custom      = "profile."
	GroupMark   = "|"
)

// Columns are the columns of every file. There is none for roles: a file of a thousand lines must not contain a line that
// makes an administrator.
var Columns = []string{Login, Email, SecondEmail, FirstName, LastName, Locale, Primary, Mobile, Groups, Key}

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
	"utf16":          "the file is UTF-16: save it as UTF-8 (Excel: CSV UTF-8)",
	"utf8":           "not UTF-8: save the file as UTF-8 (Excel: CSV UTF-8)",
	"empty":          "the file is empty",
	"lone_cr":        "lines end with CR only: save the file with LF or CRLF line ends",
	"no_users":       "the file contains no users",
	"quote":          "misplaced or missing quotation mark",
	"fields":         "fewer cells than the header",
	"fields_more":    "more cells than the header: quote a cell that contains a separator",
	"column_empty":   "no name in the header",
	"separator":      "the separator after sep= is not a comma, a semicolon or a tab",
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

// Read parses a file: UTF-8 with or without a byte order mark, separated by commas, semicolons or tabs as in the header or
// in a first line "sep=;", quoted as in RFC 4180. Empty lines, and empty columns at the end, have no meaning. It returns the
// error of the reader or ErrTooLarge. The faults of the text are Problems.
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
	first, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.IndexByte(first, 0) >= 0:
		f.report(Problem{Line: 1, Reason: "utf16"})
	case len(bytes.TrimSpace(text)) == 0:
		f.report(Problem{Line: 1, Reason: "empty"})
	case bytes.IndexByte(bytes.TrimSuffix(first, []byte("\r")), '\r') >= 0:
		f.report(Problem{Line: 1, Reason: "lone_cr"})
	default:
		f.read(text)
	}
	return f, nil
}

// separator returns the separator of a file, and the text after a first line "sep=;", which Excel reads and writes. skipped
// is the number of lines left out. It returns 0 for a separator that is not supported.
func separator(text []byte) (comma rune, rest []byte, skipped int) {
	first, after, _ := bytes.Cut(text, []byte("\n"))
	line := bytes.TrimPrefix(bytes.TrimRight(first, "\r"), []byte(`"`))
	if len(line) >= 4 && bytes.EqualFold(line[:4], []byte("sep=")) {
		// Excel adds quotation marks and the separators of further columns when it saves the file.
		switch given := line[4:]; {
		case len(given) > 0 && strings.ContainsRune(",;\t", rune(given[0])) && len(bytes.Trim(given[1:], `",;`+"\t ")) == 0:
			return rune(given[0]), after, 1
		default:
			return 0, nil, 1
		}
	}
	header, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	switch {
	case bytes.IndexByte(header, ';') >= 0:
		return ';', text, 0
	case bytes.IndexByte(header, '\t') >= 0 && bytes.IndexByte(header, ',') < 0:
		return '\t', text, 0
	}
	return ',', text, 0
}

func (f *File) report(p Problem) { f.Problems = append(f.Problems, p) }

func (f *File) read(text []byte) {
	comma, text, skipped := separator(text)
	if comma == 0 {
		f.report(Problem{Line: 1, Reason: "separator"})
		return
	}
	p := parser{csv.NewReader(bytes.NewReader(text)), skipped}
	p.FieldsPerRecord, p.Comma = -1, comma
	first := true
	users := 0
	for {
		cells, err := p.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			problem := Problem{Line: broken.StartLine + skipped, Character: broken.Column, Reason: "quote"}
			if broken.Line != broken.StartLine { // the cell ends in another line
				problem.Character = 0
			}
			f.report(problem)
			if first {
				return // the cells have no columns
			}
			users++
			continue
		}
		if strings.TrimFunc(strings.Join(cells, ""), unicode.IsSpace) == "" {
			continue // spreadsheets write lines of separators
		}
		if first {
			f.head(p, cells)
			first = false
			continue
		}
		users++
		f.row(p, cells)
	}
	if users == 0 && len(f.Problems) == 0 {
		f.report(Problem{Line: 1, Reason: "no_users"})
	}
}

// parser reads rows after the lines that separator left out.
type parser struct {
	*csv.Reader
	skipped int
}

// lineOf returns the line of a cell of the last row.
func (p parser) lineOf(cell int) int {
	line, _ := p.FieldPos(cell)
	return line + p.skipped
}

// head parses the names of the columns. Columns at the end without a name are left out.
func (f *File) head(p parser, names []string) {
	for len(names) > 0 && input.Trim(names[len(names)-1]) == "" {
		names = names[:len(names)-1]
	}
	for i, name := range names {
		shown, reason := input.Trim(name), ""
		for _, known := range Columns {
			if strings.EqualFold(shown, known) {
				shown = known
			}
		}
		switch {
		case !utf8.ValidString(shown):
			shown, reason = strings.ToValidUTF8(shown, "?"), "utf8"
		case shown == "":
			shown, reason = "column "+letters(i), "column_empty"
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
			f.report(Problem{Line: p.lineOf(i), Column: shown, Reason: reason})
		}
		f.Columns = append(f.Columns, shown)
	}
	if !f.Has(Login) && !f.Has(Email) {
		f.report(Problem{Line: p.lineOf(0), Reason: "no_login"})
	}
	f.HeaderValid = len(f.Problems) == 0
}

// letters returns the name of a column, from 0, in a spreadsheet.
func letters(column int) string {
	name := string(rune('A' + column%26))
	if column >= 26 {
		return letters(column/26-1) + name
	}
	return name
}

// IsCustom reports whether a column is a further member of a profile.
func IsCustom(name string) bool {
	member, ok := strings.CutPrefix(name, Custom)
	return ok && member != "" && input.Trim(name) == name && input.WithoutOverrides(name) == name && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, unicode.IsControl) &&
		!slices.Contains([]string{Login, Email, SecondEmail, FirstName, LastName, Locale, Primary, Mobile}, member)
}

// row parses one user. A row with a problem is left out. Empty cells beyond the header have no meaning.
func (f *File) row(p parser, cells []string) {
	line := p.lineOf(0)
	before := len(f.Problems)
	for len(cells) > len(f.Columns) && input.Trim(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	switch {
	case len(cells) < len(f.Columns):
		f.report(Problem{Line: line, Reason: "fields"})
	case len(cells) > len(f.Columns):
		f.report(Problem{Line: line, Column: "column " + letters(len(f.Columns)), Reason: "fields_more"})
	}
	r := Row{Line: line, Cells: map[string]string{}, lines: map[string]int{}}
	for i, cell := range cells[:min(len(cells), len(f.Columns))] {
		column := f.Columns[i]
		at := p.lineOf(i)
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
