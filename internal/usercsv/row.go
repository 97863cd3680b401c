package usercsv

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"barillet/internal/input"
)

// Row is one user of a file.
type Row struct {
	Line  int // where the row begins
	Cells map[string]string
	lines map[string]int
}

// LineOf returns the line in which the cell of a column begins.
func (r Row) LineOf(column string) int {
	if line := r.lines[column]; line > 0 {
		return line
	}
	return r.Line
}

// Groups returns the names and ids of the column groups.
func (r Row) Groups() (out []string) {
	for name := range strings.SplitSeq(r.Cells[Groups], GroupMark) {
		if name = input.Trim(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// asJSON is the prefix of a cell of a further member that contains JSON.
const asJSON = "json:"

// Profile returns the cells that belong to the profile, by the names of its members, and a problem for each cell that
// contains invalid JSON.
func (r Row) Profile() (profile map[string]json.RawMessage, problems []Problem) {
	profile = map[string]json.RawMessage{}
	for column, cell := range r.Cells {
		name, custom := strings.CutPrefix(column, Custom)
		raw, isJSON := strings.CutPrefix(cell, asJSON)
		switch column {
		case Groups, Key:
			continue
		case Login, Email, SecondEmail, Locale, Primary, Mobile:
			cell = input.Trim(cell)
		}
		text, err := json.Marshal(cell)
		if custom && isJSON {
			text = []byte(raw)
		}
		if err != nil || !json.Valid(text) {
			problems = append(problems, Problem{Line: r.LineOf(column), Column: column, Reason: "json"})
			continue
		}
		profile[name] = text
	}
	return profile, problems
}

// Cell returns the cell of a member of a profile. A further member that is not a text, or that would change in a cell, is
// written as JSON.
func Cell(raw json.RawMessage, custom bool) string {
	var text *string
	switch err := json.Unmarshal(raw, &text); {
	case len(raw) == 0, !custom && text == nil:
		return ""
	case err != nil, text == nil, custom && (*text == "" || strings.HasPrefix(*text, asJSON) ||
		strings.ContainsFunc(*text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })):
		return asJSON + string(raw)
	}
	return *text
}
