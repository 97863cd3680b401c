package console

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"barillet/authn/directory"
	typed "barillet/internal/input"
	"barillet/internal/usercsv"
)

// list is a list of users that an administrator pasted.
type list struct {
	rows     []listed
	problems []usercsv.Problem // of the list as a whole; with one, no row is valid
}

// listed is one user of a list, and the result of the import.
type listed struct {
	directory.ImportRow
	line    int
	result  directory.ImportResult
	created bool
}

// problem adds a problem of the list as a whole.
func (l *list) problem(reason string, when bool) {
	if when {
		l.problems = append(l.problems, usercsv.Problem{Reason: reason})
	}
}

// readList reads a CSV file, whose first line has the names of columns, or a list with one user in each line.
func readList(text string) (l list) {
	if hasHeader(text) {
		l.readFile(text)
	} else {
		l.readLines(text)
	}
	l.problem("empty", len(l.rows) == 0 && len(l.problems) == 0)
	return l
}

// hasHeader reports whether the first line of a text has the name of the column of logins or addresses.
func hasHeader(text string) bool {
	first, rest, _ := strings.Cut(strings.TrimLeft(text, "\ufeff\r\n\t "), "\n")
	if strings.HasPrefix(strings.ToLower(strings.Trim(first, `"`)), "sep=") {
		first, _, _ = strings.Cut(rest, "\n")
	}
	return slices.ContainsFunc(strings.FieldsFunc(first, func(r rune) bool { return strings.ContainsRune(",;\t\r", r) }), func(cell string) bool {
		cell = typed.Trim(strings.Trim(cell, `"`))
		return strings.EqualFold(cell, usercsv.Login) || strings.EqualFold(cell, usercsv.Email)
	})
}

// readFile reads a CSV file.
func (l *list) readFile(text string) {
	file, err := usercsv.Read(strings.NewReader(text))
	if err != nil { // larger than any body
		l.problem("too_many", true)
		return
	}
	l.problems = file.Problems
	l.problem("column_key", file.Has(usercsv.Key))
	for _, r := range file.Rows {
		row := listed{line: r.Line}
		row.GroupNames, row.NewUser = r.Groups(), directory.NewUser{Login: cell(r, usercsv.Login), Email: cell(r, usercsv.Email), SecondEmail: cell(r, usercsv.SecondEmail),
			FirstName: r.Cells[usercsv.FirstName], LastName: r.Cells[usercsv.LastName], Locale: cell(r, usercsv.Locale),
			PrimaryPhone: cell(r, usercsv.Primary), MobilePhone: cell(r, usercsv.Mobile)}
		members, problems := r.Profile()
		for name := range members {
			if _, custom := r.Cells[usercsv.Custom+name]; !custom {
				delete(members, name)
			}
		}
		if l.problems = append(l.problems, problems...); len(members) > 0 {
			row.Profile, _ = json.Marshal(members) // of JSON values
		}
		l.rows = append(l.rows, row)
	}
}

func cell(r usercsv.Row, column string) string { return typed.Trim(r.Cells[column]) }

// readLines reads a list: in each line an address, alone, as "Name <address>", or in one of several cells.
func (l *list) readLines(text string) {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if line = typed.Trim(line); line == "" {
			continue
		}
		row := listed{line: n}
		var names []string
		row.Email, names = addressIn(line)
		switch len(names) {
		case 0:
		case 1:
			row.FirstName, row.LastName, _ = strings.Cut(names[0], " ")
		default:
			row.FirstName, row.LastName = names[0], strings.Join(names[1:], " ")
		}
		l.rows = append(l.rows, row)
	}
}

// addressIn returns the address in a line, and the rest of it. A line without one is returned as if it were an address.
func addressIn(line string) (address string, rest []string) {
	if before, after, ok := strings.Cut(line, "<"); ok {
		address, _, _ = strings.Cut(after, ">")
		if name := typed.Trim(strings.Trim(typed.Trim(before), `"`)); name != "" {
			rest = append(rest, name)
		}
		return typed.Trim(address), rest
	}
	cells := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",;\t", r) })
	if len(cells) == 1 {
		if at := slices.IndexFunc(strings.Fields(line), func(w string) bool { return strings.Contains(w, "@") }); at >= 0 {
			words := strings.Fields(line)
			if name := strings.Join(slices.Delete(slices.Clone(words), at, at+1), " "); name != "" {
				rest = append(rest, name)
			}
			return words[at], rest
		}
		return line, nil
	}
	for _, c := range cells {
		switch c = typed.Trim(strings.Trim(typed.Trim(c), `"`)); {
		case c == "":
		case address == "" && strings.Contains(c, "@"):
			address = c
		default:
			rest = append(rest, c)
		}
	}
	return cmp.Or(address, line), rest
}
