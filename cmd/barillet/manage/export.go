package manage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

func (m *CLI) exportCommand() *cobra.Command {
	var groupName string
	var excel, all bool
	c := &cobra.Command{
		Use: "export [FILE]", Short: "write users to a CSV file that import reads",
		Long: "Writes the users that you can see to a new file or to stdout. The file contains no secrets: neither passwords nor\n" +
			"devices. A cell that a spreadsheet would evaluate as a formula begins with an apostrophe, which import removes.",
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&groupName, "group", "", "only members of this group, by id or name")
	c.Flags().BoolVar(&excel, "excel", false, "use semicolons and a byte order mark, for Excel in French")
	c.Flags().BoolVar(&all, "all", false, "include deactivated users")
	c = m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		columns, rows, err := m.exportRows(ctx, s, groupName, all)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := usercsv.Write(&text, usercsv.Style{Semicolons: excel, Mark: excel}, columns, rows); err != nil {
			return err
		}
		if len(args) == 0 || args[0] == "-" {
			_, err = m.Stdout.Write(text.Bytes())
		} else {
			err = createFile(args[0], text.Bytes())
		}
		if err == nil {
			m.Note("%d users exported", len(rows))
		}
		return err
	})
	c.Flags().Lookup("json").Hidden = true // user list has --json
	c.ValidArgsFunction = nil
	return c
}

// createFile writes a new file that only the current user can read. It leaves no incomplete file.
func createFile(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating file: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(name)
		return fmt.Errorf("writing file: %w", err)
	}
	return nil
}

// exportRows reads all users into memory: only then are the columns known.
func (m *CLI) exportRows(ctx context.Context, s *Client, groupName string, all bool) (columns []string, rows [][]string, err error) {
	path := "/users"
	if groupName != "" {
		id, err := s.groupID(ctx, groupName)
		if err != nil {
			return nil, nil, err
		}
		path = groupPath(id, "/users")
	}
	users, err := pages[user](ctx, s, path, nil, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("reading users: %w", err)
	}
	groups, err := pages[group](ctx, s, "/groups", url.Values{}, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("reading groups: %w", err)
	}
	users = slices.DeleteFunc(users, func(u user) bool { return !all && u.Status == "DEPROVISIONED" })
	columns, omitted := columnsOf(users)
	for _, name := range omitted {
		m.Note("profile.%s cannot be the name of a column: this member is not exported", cli.Plain(name))
	}
	names := namesOf(groups)
	for _, u := range users {
		row := make([]string, len(columns))
		for i, column := range columns {
			name, custom := strings.CutPrefix(column, usercsv.Custom)
			row[i] = usercsv.Cell(u.Profile[name], custom)
			if column == usercsv.Groups {
				all := make([]string, len(u.GroupIDs))
				for n, id := range u.GroupIDs {
					all[n] = cmp.Or(names[id], id) // deleted now, or not visible
				}
				row[i] = strings.Join(all, usercsv.GroupMark)
			}
		}
		rows = append(rows, row)
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0] < rows[j][0] })
	return columns, rows, nil
}

// columnsOf returns the columns for users, and the members of profiles that cannot be the name of a column.
func columnsOf(users []user) (columns, omitted []string) {
	columns = []string{usercsv.Login, usercsv.Email, usercsv.SecondEmail, usercsv.FirstName, usercsv.LastName, usercsv.Locale, usercsv.Primary,
		usercsv.Mobile, usercsv.Groups}
	custom := map[string]bool{}
	for _, u := range users {
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
			omitted = append(omitted, strings.TrimPrefix(column, usercsv.Custom))
		}
	}
	return columns, omitted
}

// namesOf returns the text for each group in a file, by id: its name if that fits into a list and is no id, else its id.
func namesOf(groups []group) map[string]string {
	names := map[string]string{}
	for _, g := range groups {
		names[g.ID] = g.Profile.Name
	}
	for id, name := range names {
		if _, isID := names[name]; isID || strings.Contains(name, usercsv.GroupMark) || strings.TrimSpace(name) != name {
			names[id] = id
		}
	}
	return names
}
