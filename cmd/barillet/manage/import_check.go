package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"barillet/internal/usercsv"
)

// importRow is one user of a file as the API reads it.
type importRow struct {
	Profile map[string]json.RawMessage `json:"profile"`
	Groups  []string                   `json:"groups,omitempty"`
	Key     string                     `json:"otpauth,omitempty"`

	csv usercsv.Row
}

// importOutcome is the API's result for one user.
type importOutcome struct {
	Outcome string        `json:"outcome"` // new, created, exists, invalid
	Invited bool          `json:"invited"`
	Causes  []ImportCause `json:"causes"`
}

// ImportCause is one fault of a user, as the API names it.
type ImportCause struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// dryRun finds the problems of a file: of its syntax, between its lines, and of each user, which the service validates.
// It returns the users that can be created.
func (m *CLI) dryRun(ctx context.Context, s *Client, file *usercsv.File) (importSummary, []importRow, error) {
	done := importSummary{Existing: []int{}, Problems: []importProblem{}}
	broken := map[int]bool{} // lines that are not in file.Rows
	for _, p := range file.Problems {
		done.Problems = append(done.Problems, importProblem{p.Line, p.Column, p.Character, p.Reason, p.Message()})
		broken[p.Line] = true
	}
	done.Users = len(file.Rows) + len(broken)
	if !file.HeaderValid {
		return done, nil, nil
	}
	problems := map[int][]importProblem{} // by the first line of the row
	report := func(r usercsv.Row, c ImportCause) {
		column := columnOf(file, c.Field)
		// One problem for a cell is enough.
		if !slices.ContainsFunc(problems[r.Line], func(p importProblem) bool { return p.Column == column }) {
			problems[r.Line] = append(problems[r.Line], importProblem{r.LineOf(column), column, 0, c.Reason, c.Message})
		}
	}
	rows := importRows(file, report)
	var valid []importRow
	job := importJob{m: m, service: s, query: "?dryRun=true", max: maxRows, progress: progress{m: m, verb: "checked", all: len(rows)}}
	err := job.run(ctx, rows, func(row importRow, o importOutcome) {
		for _, c := range o.Causes {
			report(row.csv, c)
		}
		if o.Outcome == "exists" {
			done.Existing = append(done.Existing, row.csv.Line)
		} else {
			valid = append(valid, row)
		}
	})
	for i, causes := range m.FindDuplicates(file.Rows) { // a call sees a part of the file
		for _, c := range causes {
			report(file.Rows[i], c)
		}
	}
	for _, line := range done.Existing { // an existing user is not changed, so its other cells do not matter
		delete(problems, line)
	}
	for _, found := range problems {
		done.Problems = append(done.Problems, found...)
	}
	slices.Sort(done.Existing)
	sort.Slice(done.Problems, func(i, j int) bool {
		a, b := &done.Problems[i], &done.Problems[j]
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Column, b.Column), strings.Compare(a.Reason, b.Reason)) < 0
	})
	valid = slices.DeleteFunc(valid, func(row importRow) bool { return problems[row.csv.Line] != nil })
	sort.Slice(valid, func(i, j int) bool { return valid[i].csv.Line < valid[j].csv.Line })
	done.New = len(valid)
	return done, valid, err
}

// importRows converts the rows of a file and reports those that cannot be sent.
func importRows(file *usercsv.File, report func(usercsv.Row, ImportCause)) (rows []importRow) {
	for _, r := range file.Rows {
		profile, invalid := r.Profile()
		for _, p := range invalid {
			report(r, ImportCause{p.Column, p.Reason, p.Message()})
		}
		row := importRow{Profile: profile, Groups: r.Groups(), Key: r.Cells[usercsv.Key], csv: r}
		if row.size() > maxCallSize {
			report(r, ImportCause{Reason: "line_long", Message: "the line is too long"})
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

// columnOf returns the column of a field of the API. If the file has only one of login and email, it is both.
func columnOf(file *usercsv.File, field string) string {
	if file.Has(field) {
		return field // profile.NAME
	}
	field = strings.TrimPrefix(field, "profile.")
	switch {
	case field == usercsv.Login && !file.Has(usercsv.Login):
		return usercsv.Email
	case field == usercsv.Email && !file.Has(usercsv.Email):
		return usercsv.Login
	}
	return field
}
