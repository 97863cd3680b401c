package console

import (
	"cmp"
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// ImportPath is the path of the page that invites many users. Its form may be larger than others.
const ImportPath = shell.PeoplePath + "/import"

const (
	maxImport = 2000 // lines of a list
	atOnce    = 100  // users that one request invites
)

func (c *Pages) getImport(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	if err := p.Require(admin.PermInvite); err != nil {
		return err
	}
	page, err := c.importPage(r, p)
	if err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) importPage(r *http.Request, p admin.Principal) (view.Import, error) {
	group, err := c.groupField(r, p, "group")
	group.Words, group.Optional = "import_garage", true
	if group.Kind == "select" {
		group.Options = append([]view.Option{{Words: "people.none"}}, group.Options...)
	}
	return view.Import{Base: c.Base(r, p, "people"), Most: maxImport, Group: group}, err
}

// postImport checks a list and, with "do" as "invite", invites the first users who have no account. The page then shows what is left,
// so a list can be sent again at any time: it goes on where it ended.
func (c *Pages) postImport(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	values, err := site.ReadValues(r)
	if err != nil {
		return err
	}
	page, err := c.importPage(r, p)
	if err != nil {
		return err
	}
	page.Path, page.Checked, page.Text, page.Group.Value = ImportPath, true, values.Get("users"), values.Get("group")
	l := readList(page.Text)
	if l.problem("too_many", len(l.rows) > maxImport); len(l.problems) == 0 {
		err = c.runImport(r.Context(), p, site.RequestInfo(r), &l, page.Group.Value, values.Get("do") == "invite")
	}
	if err != nil {
		return err
	}
	c.addLines(&page, &l)
	page.Going = values.Get("do") == "invite" && page.New > 0 && page.Created > 0
	status := http.StatusOK
	if len(page.Faults) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return c.Render(w, status, page)
}

// runImport validates all rows of a list, and invites the first valid ones. It sets their results.
func (c *Pages) runImport(ctx context.Context, p admin.Principal, from account.RequestInfo, l *list, group string, invite bool) error {
	rows := make([]directory.ImportRow, len(l.rows))
	for i, r := range l.rows {
		rows[i] = r.ImportRow
		if len(r.GroupNames) == 0 && group != "" {
			rows[i].GroupNames = []string{group}
		}
	}
	got, err := c.Directory.Import(ctx, p, from, rows, false, true)
	if err != nil {
		return err
	}
	var part []directory.ImportRow
	var of []int
	for i := range l.rows {
		l.rows[i].result = got[i]
		if invite && len(part) < atOnce && !got[i].Exists && len(got[i].Faults) == 0 {
			rows[i].Groups, part, of = nil, append(part, rows[i]), append(of, i)
		}
	}
	if len(part) == 0 {
		return nil
	}
	done, err := c.Directory.Import(ctx, p, from, part, true, false)
	for n, result := range done {
		l.rows[of[n]].result, l.rows[of[n]].created = result, !result.Exists && len(result.Faults) == 0
	}
	return err
}

// addLines adds the results of a list to its page.
func (c *Pages) addLines(page *view.Import, l *list) {
	for _, f := range l.problems {
		page.Faults = append(page.Faults, view.ImportFault{Line: f.Line, Column: f.Column, Message: templates.Message{Key: key("import.csv_", f.Reason)}})
	}
	if len(l.problems) > 0 {
		return
	}
	for _, r := range l.rows {
		line := view.ImportLine{Line: r.line, Who: cmp.Or(r.Login, r.Email), State: "new"}
		if r.result.ID != "" {
			line.Path = pathOf(&account.User{ID: r.result.ID})
		}
		switch {
		case r.created:
			line.State = "created"
			page.Created++
		case r.result.Exists:
			line.State = "exists"
			page.Exists++
		case len(r.result.Faults) > 0:
			line.State = "invalid"
			page.Invalid++
		default:
			page.New++
		}
		for _, fault := range r.result.Faults {
			line.Faults = append(line.Faults, view.ImportFault{Column: columnOf(fault), Message: templates.Message{Key: c.Refusal(page.Lang, fault)}})
		}
		page.Lines = append(page.Lines, line)
	}
}

// columnOf returns the column of a fault.
func columnOf(fault *errcode.Error) string {
	if fault.Field == "groupIds" {
		return "groups"
	}
	return fault.Field
}
