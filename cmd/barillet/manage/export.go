package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

// exporting is what export was told.
type exporting struct {
	garage     string
	excel, all bool
}

func (m *Manager) exportCommand() *cobra.Command {
	var e exporting
	c := &cobra.Command{
		Use: "export [FILE]", Short: "write the people as a list that import reads",
		Long: "Writes the people that you may see as CSV, to a new file or to stdout. There is no secret in it: neither passwords nor\n" +
			"devices. A cell that a spreadsheet would take for a formula begins with an apostrophe, which import takes away.",
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&e.garage, "group", "", "only the members of a group, by id or name")
	c.Flags().BoolVar(&e.excel, "excel", false, "with semicolons and a byte order mark, as Excel reads it in French")
	c.Flags().BoolVar(&e.all, "all", false, "deactivated people too")
	c = m.calling(c, func(ctx context.Context, s *Client, args []string) error {
		text, people, err := m.export(ctx, s, e)
		if err != nil {
			return err
		}
		if len(args) == 0 || args[0] == "-" {
			_, err = m.Stdout.Write(text)
		} else {
			err = create(args[0], text)
		}
		if err == nil {
			m.Note("%d people are in the list", people)
		}
		return err
	})
	c.Flags().Lookup("json").Hidden = true // a list is a list; user list has --json
	c.ValidArgsFunction = nil
	return c
}

// create writes a new file that others cannot read, whole or not at all.
func create(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the list: %w", err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(name)
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}

// export writes everybody into memory: the columns are known only when all were read.
func (m *Manager) export(ctx context.Context, s *Client, e exporting) (text []byte, people int, err error) {
	path := "/users"
	if e.garage != "" {
		id, err := s.groupID(ctx, e.garage)
		if err != nil {
			return nil, 0, err
		}
		path = groupPath(id, "/users")
	}
	everybody, err := pages[person](ctx, s, path, nil, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the people: %w", err)
	}
	groups, err := pages[group](ctx, s, "/groups", url.Values{}, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the groups: %w", err)
	}
	everybody = slices.DeleteFunc(everybody, func(u person) bool { return !e.all && u.Status == "DEPROVISIONED" })
	columns, lost := columnsOf(everybody)
	for _, name := range lost {
		m.Note("no column can be called profile.%s: what people have of it is left out", cli.Plain(name))
	}
	names := namesOf(groups)
	rows := make([][]string, len(everybody))
	for i, u := range everybody {
		rows[i] = exported(u, columns, names)
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var out bytes.Buffer
	err = usercsv.Write(&out, usercsv.Style{Semicolons: e.excel, Mark: e.excel}, columns, rows)
	return out.Bytes(), len(rows), err
}

// columnsOf are the columns that these people need, and the members that no column can be called by.
func columnsOf(people []person) (columns, lost []string) {
	columns = []string{usercsv.Login, usercsv.Email, usercsv.SecondEmail, usercsv.FirstName, usercsv.LastName, usercsv.Locale, usercsv.Groups}
	custom := map[string]bool{}
	for _, u := range people {
		for name := range u.Profile {
			if !slices.Contains(columns, name) || name == usercsv.Groups {
				custom[usercsv.Custom+name] = true
			}
		}
	}
	for _, column := range slices.Sorted(maps.Keys(custom)) {
		if usercsv.IsCustom(column) {
			columns = append(columns, column)
		} else {
			lost = append(lost, strings.TrimPrefix(column, usercsv.Custom))
		}
	}
	return columns, lost
}

// namesOf are the names of the groups by id, where a list can hold the name and means that one.
func namesOf(groups []group) map[string]string {
	names, count := map[string]string{}, map[string]int{}
	for _, g := range groups {
		names[g.ID] = g.Profile.Name
		count[g.Profile.Name]++
	}
	for id, name := range names {
		if _, isID := names[name]; isID || count[name] > 1 || strings.Contains(name, usercsv.GroupMark) || strings.TrimSpace(name) != name {
			names[id] = id
		}
	}
	return names
}

// exported is the row of one person.
func exported(u person, columns []string, names map[string]string) []string {
	row := make([]string, len(columns))
	for i, column := range columns {
		if column == usercsv.Groups {
			var all []string
			for _, id := range u.GroupIDs {
				if names[id] == "" {
					names[id] = id // deleted meanwhile, or not to be seen
				}
				all = append(all, names[id])
			}
			row[i] = strings.Join(all, usercsv.GroupMark)
			continue
		}
		name, custom := strings.CutPrefix(column, usercsv.Custom)
		row[i] = cellOf(u.Profile[name], custom)
	}
	return row
}

// cellOf is a member of a profile as a cell. A further member that is no text, or that a cell would not give back as
// it was, is written as JSON.
func cellOf(raw json.RawMessage, custom bool) string {
	var text *string
	switch err := json.Unmarshal(raw, &text); {
	case len(raw) == 0, !custom && text == nil:
		return ""
	case err != nil, text == nil,
		custom && (*text == "" || strings.HasPrefix(*text, asJSON) || strings.ContainsFunc(*text, func(r rune) bool { return r != '\n' && cli.Plain(string(r)) == "" })):
		return asJSON + string(raw)
	}
	return *text
}
