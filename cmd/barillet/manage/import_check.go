package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/internal/usercsv"
)

// newcomer is one person of a list as the API takes them.
type newcomer struct {
	Profile  map[string]json.RawMessage `json:"profile"`
	GroupIDs []string                   `json:"groupIds,omitempty"`
	Key      string                     `json:"otpauth,omitempty"`

	row usercsv.Row
}

// outcome is what the API says became of one of them.
type outcome struct {
	Outcome string `json:"outcome"` // new, created, known, refused
	Invited bool   `json:"invited"`
	Causes  []struct {
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"causes"`
}

// examine finds everything that is wrong with a list: with the file itself, between its lines, and by the rules of
// the service, which is asked about every line that can be read. It gives who can be made.
func (m *Manager) examine(ctx context.Context, s *Client, list *usercsv.File) (summary, []newcomer, error) {
	done := summary{Known: []int{}, Faults: []lineNote{}}
	lines := map[int]bool{}
	for _, f := range list.Problems {
		done.Faults = append(done.Faults, noted(f.Line, f.Column, f.Character, f.Reason))
		lines[f.Line] = true
	}
	done.People = len(list.Rows) + len(lines)
	if !list.HeaderValid {
		done.sort()
		return done, nil, nil
	}
	names, err := groupsByName(ctx, s, list)
	if err != nil {
		return done, nil, err
	}
	faults := map[int][]lineNote{} // by the line where their row begins
	fault := func(r usercsv.Row, column, reason string) {
		// The first thing that is wrong with a cell is enough.
		if !slices.ContainsFunc(faults[r.Line], func(n lineNote) bool { return n.Column == column }) {
			faults[r.Line] = append(faults[r.Line], noted(r.LineOf(column), column, 0, reason))
		}
	}
	var people []newcomer
	for _, r := range list.Rows {
		n := newcomerOf(r, names, fault)
		if n.size() > mostInCall {
			fault(r, "", "line_long")
			continue
		}
		people = append(people, n)
	}
	var fresh []newcomer
	job := importJob{m: m, service: s, query: "?dryRun=true", most: mostAtOnce, progress: m.progress("checking", len(people))}
	err = job.do(ctx, people, func(n newcomer, o outcome) {
		for _, c := range o.Causes {
			fault(n.row, columnOf(list, c.Field), c.Reason)
		}
		if o.Outcome == "known" {
			done.Known = append(done.Known, n.row.Line)
		} else {
			fresh = append(fresh, n)
		}
	})
	m.twins(list, fault)
	for _, line := range done.Known { // they are left alone, whatever else is wrong
		delete(faults, line)
	}
	for _, notes := range faults {
		done.Faults = append(done.Faults, notes...)
	}
	fresh = slices.DeleteFunc(fresh, func(n newcomer) bool { return faults[n.row.Line] != nil })
	slices.SortFunc(fresh, func(a, b newcomer) int { return a.row.Line - b.row.Line })
	done.New = len(fresh)
	done.sort()
	return done, fresh, err
}

// sort puts what was found into the order of the file.
func (done *summary) sort() {
	slices.Sort(done.Known)
	slices.SortFunc(done.Faults, func(a, b lineNote) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Column, b.Column), strings.Compare(a.Reason, b.Reason))
	})
}

// noted puts a fault into words.
func noted(line int, column string, at int, reason string) lineNote {
	says := reasons[column+" "+reason]
	if says == "" {
		says = reasons[reason]
	}
	if says == "" {
		says = reason
	}
	return lineNote{Line: line, Column: column, At: at, Reason: reason, Says: says}
}

// reasons are the words for what is wrong with a cell, or with a cell of one column.
var reasons = map[string]string{
	"utf16": "the file is UTF-16: save it as UTF-8", "utf8": "not UTF-8: save the file as UTF-8", "empty": "the file is empty",
	"lone_cr": "the lines end as on an old Macintosh: save the file with ordinary ends of line", "nobody": "the list has nobody in it",
	"quote": "a quotation mark is in the wrong place, or missing", "fields": "more or fewer cells than the header has",
	"column_empty": "a column without a name", "column_unknown": "no such column", "column_twice": "the column is there twice",
	"no_login": "the header needs login or email", "control": "a control character", "too_long": "too long",
	"address": "not an address", "login address": "not a sign-in name", "name": "longer than 64 characters, or with control characters",
	"taken": "somebody else has it", "otpauth taken": "somebody else has this key", "unknown": "no such thing", "groups unknown": "no such group",
	"locale unknown": "no such language", "role column_unknown": "no list gives roles: barillet user role add does, one person at a time", "too_many": "too many",
	"ambiguous": "two groups are called so: name it by its id", "json": "not JSON behind json:", "twin": "the same as in an earlier line",
	"no_otpauth": "not an otpauth URI", "hotp": "counts instead of keeping time: only totp is taken", "algorithm": "not SHA-1",
	"digits": "not six digits", "period": "not thirty seconds", "no_secret": "without a secret", "base32": "the secret is not base32",
	"short": "the secret has fewer than 16 bytes", "long": "the secret has more than 64 bytes", "weak": "the secret is one byte over and over",
	"twice": "a parameter is there twice", "line_long": "the line is too long",
}

// columnOf is the column of a field of the API: what stands for a login where there is no such column.
func columnOf(list *usercsv.File, field string) string {
	field = strings.TrimPrefix(field, "profile.")
	switch {
	case field == "groupIds":
		return usercsv.Groups
	case field == usercsv.Login && !list.Has(usercsv.Login):
		return usercsv.Email
	case field == usercsv.Email && !list.Has(usercsv.Email):
		return usercsv.Login
	}
	return field
}

// twins finds logins, addresses and keys that an earlier line has, in whatever spelling.
func (m *Manager) twins(list *usercsv.File, fault func(r usercsv.Row, column, reason string)) {
	addresses, keys := map[string]int{}, map[string]int{}
	for _, r := range list.Rows {
		for _, column := range []string{usercsv.Login, usercsv.Email, usercsv.SecondEmail} {
			a, ok := authn.Address(r.Cells[column])
			switch {
			case !ok || addresses[a] == r.Line:
			case addresses[a] > 0:
				fault(r, column, "twin")
			default:
				addresses[a] = r.Line
			}
		}
		key, ok := m.KeyDigest(r.Cells[usercsv.Key])
		switch {
		case !ok:
		case keys[key] > 0:
			fault(r, usercsv.Key, "twin")
		default:
			keys[key] = r.Line
		}
	}
}

// groupsByName are the ids of all groups, by id and by name; "" for a name that two have.
func groupsByName(ctx context.Context, s *Client, list *usercsv.File) (map[string]string, error) {
	if !list.Has(usercsv.Groups) {
		return nil, nil
	}
	all, err := pages[group](ctx, s, "/groups", nil, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the groups: %w", err)
	}
	ids := map[string]string{}
	for _, g := range all {
		if _, twice := ids[g.Profile.Name]; twice {
			ids[g.Profile.Name] = ""
		} else {
			ids[g.Profile.Name] = g.ID
		}
	}
	for _, g := range all {
		ids[g.ID] = g.ID
	}
	return ids, nil
}

// asJSON begins a cell of a further member that is no text, or that a cell could not hold as it is.
const asJSON = "json:"

// newcomerOf reads a row as the API takes it.
func newcomerOf(r usercsv.Row, groups map[string]string, fault func(r usercsv.Row, column, reason string)) newcomer {
	n := newcomer{Profile: map[string]json.RawMessage{}, Key: r.Cells[usercsv.Key], row: r}
	for column, cell := range r.Cells {
		name := column
		switch column {
		case usercsv.Groups, usercsv.Key:
			continue
		case usercsv.Login, usercsv.Email, usercsv.SecondEmail, usercsv.Locale:
			cell = strings.TrimSpace(cell)
		case usercsv.FirstName, usercsv.LastName:
		default:
			name = strings.TrimPrefix(column, usercsv.Custom)
			if raw, ok := strings.CutPrefix(cell, asJSON); ok {
				if !json.Valid([]byte(raw)) {
					fault(r, column, "json")
					continue
				}
				n.Profile[name] = json.RawMessage(raw)
				continue
			}
		}
		text, err := json.Marshal(cell)
		if err != nil { // the file is UTF-8: it cannot be
			fault(r, column, "utf8")
			continue
		}
		n.Profile[name] = text
	}
	for name := range strings.SplitSeq(r.Cells[usercsv.Groups], usercsv.GroupMark) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		switch id, known := groups[name]; {
		case !known:
			fault(r, usercsv.Groups, "unknown")
		case id == "":
			fault(r, usercsv.Groups, "ambiguous")
		case !slices.Contains(n.GroupIDs, id):
			n.GroupIDs = append(n.GroupIDs, id)
		}
	}
	return n
}
