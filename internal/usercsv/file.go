// Package usercsv owns the file in which lists of people come and go: its columns, how it is read and written, and
// the guard that keeps a cell from starting a formula in whatever program opens it. It judges the file, not the people.
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

// The columns. Further members of a profile are columns that begin with Custom.
const (
	Login       = "login"
	Email       = "email"
	SecondEmail = "secondEmail"
	FirstName   = "firstName"
	LastName    = "lastName"
	Locale      = "locale"
	Groups      = "groups"  // names or ids, parted by GroupMark
	Key         = "otpauth" // import only
	Custom      = "profile."
	GroupMark   = "|"
)

// Columns are those that every list may have. There is none for roles: a list comes by mail and is looked at by nobody in
// full, and must not make an administrator.
var Columns = []string{Login, Email, SecondEmail, FirstName, LastName, Locale, Groups, Key}

// The bounds of a file. A person's further members are 16 KiB at most, so no cell can be longer.
const (
	MaxFile = 64 << 20 // bytes
	maxCell = 16 << 10 // bytes
	maxName = 256      // characters of a column's name
)

// ErrTooLarge is a file of more than MaxFile.
var ErrTooLarge = errors.New("the file is larger than 64 MiB")

// Problem is one thing that is wrong with a file, and where. It never holds what stood there, but for a column's name.
type Problem struct {
	Line      int    // from 1
	Column    string // "": the line as a whole
	Character int    // the byte of the line, from 1, for what is wrong with the line; 0 elsewhere
	Reason    string // in one word
}

// Row is one person of a list.
type Row struct {
	Line  int // where it begins
	Cells map[string]string
	lines map[string]int
}

// LineOf is where the cell of a column begins.
func (r Row) LineOf(column string) int {
	if line := r.lines[column]; line > 0 {
		return line
	}
	return r.Line
}

// File is a file that was read: the rows without a fault, and every fault.
type File struct {
	Columns     []string // in the order of the file
	Rows        []Row
	Problems    []Problem
	HeaderValid bool // the header has no fault: what the cells are is known
}

// Has tells whether the list has a column.
func (l *File) Has(column string) bool { return slices.Contains(l.Columns, column) }

// Read reads a list: UTF-8 with or without a byte order mark, the columns parted by commas or semicolons as in the
// header, quoted as RFC 4180 has it. The error is that of the reader, or ErrTooLarge; whatever is wrong with the text is
// among the faults.
func Read(r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	if len(text) > MaxFile {
		return nil, ErrTooLarge
	}
	l := &File{}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	header, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.IndexByte(header, 0) >= 0:
		l.fault(Problem{Line: 1, Reason: "utf16"})
	case len(bytes.TrimSpace(text)) == 0:
		l.fault(Problem{Line: 1, Reason: "empty"})
	case bytes.IndexByte(bytes.TrimSuffix(header, []byte("\r")), '\r') >= 0:
		l.fault(Problem{Line: 1, Reason: "lone_cr"})
	default:
		l.read(text, header)
	}
	return l, nil
}

func (l *File) fault(f Problem) { l.Problems = append(l.Problems, f) }

func (l *File) read(text, header []byte) {
	c := csv.NewReader(bytes.NewReader(text))
	c.FieldsPerRecord = -1
	if bytes.IndexByte(header, ';') >= 0 {
		c.Comma = ';'
	}
	first := true
	people := 0
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			f := Problem{Line: broken.StartLine, Character: broken.Column, Reason: "quote"}
			if broken.Line != broken.StartLine { // it ends far from where it began
				f.Character = 0
			}
			if l.fault(f); first {
				return // without a header nothing else can be told
			}
			people++
			continue
		}
		if first {
			l.head(c, cells)
			first = false
			continue
		}
		if strings.Join(cells, "") != "" { // spreadsheets leave lines of nothing but separators
			people++
			l.row(c, cells)
		}
	}
	if people == 0 && len(l.Problems) == 0 {
		l.fault(Problem{Line: 1, Reason: "nobody"})
	}
}

// head reads the names of the columns.
func (l *File) head(c *csv.Reader, names []string) {
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
		case !slices.Contains(Columns, shown) && !IsCustom(shown):
			reason = "column_unknown"
		case slices.Contains(l.Columns, shown):
			reason = "column_twice"
		}
		if reason != "" {
			if runes := []rune(shown); len(runes) > maxName {
				shown = string(runes[:maxName])
			}
			l.fault(Problem{Line: line, Column: shown, Reason: reason})
		}
		l.Columns = append(l.Columns, shown)
	}
	if !l.Has(Login) && !l.Has(Email) {
		l.fault(Problem{Line: 1, Reason: "no_login"})
	}
	l.HeaderValid = len(l.Problems) == 0
}

// IsCustom tells whether a column is a further member of a profile.
func IsCustom(name string) bool {
	member, ok := strings.CutPrefix(name, Custom)
	return ok && member != "" && strings.TrimSpace(name) == name && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, unicode.IsControl) &&
		!slices.Contains([]string{Login, Email, SecondEmail, FirstName, LastName, Locale}, member)
}

// row reads one person. One with a fault is left out: nothing half-read is judged further.
func (l *File) row(c *csv.Reader, cells []string) {
	line, _ := c.FieldPos(0)
	before := len(l.Problems)
	if len(cells) != len(l.Columns) {
		l.fault(Problem{Line: line, Reason: "fields"})
	}
	r := Row{Line: line, Cells: map[string]string{}, lines: map[string]int{}}
	for i, cell := range cells[:min(len(cells), len(l.Columns))] {
		column := l.Columns[i]
		at, _ := c.FieldPos(i)
		if reason := unfit(cell); reason != "" {
			l.fault(Problem{Line: at, Column: column, Reason: reason})
			continue
		}
		r.lines[column] = at
		if cell = unguard(cell); cell != "" {
			r.Cells[column] = cell
		}
	}
	if len(l.Problems) == before {
		l.Rows = append(l.Rows, r)
	}
}

// unfit tells why no cell can be so.
func unfit(cell string) string {
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
