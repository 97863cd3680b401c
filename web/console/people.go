package console

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	typed "barillet/internal/input"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const (
	fewGroups     = 50     // that a select shows; for more, the name is typed
	riskOfLockout = "risk" // the value of the filter by devices for users whom the loss of one device locks out
)

// registerPeople registers the pages of users.
func (c *Pages) registerPeople(r *site.Router) {
	c.Get(r, shell.PeoplePath, c.getPeople)
	c.registerInvitations(r)
	c.Get(r, shell.PeoplePath+"/{id}", c.getPerson)
	c.registerLifecycle(r)
	c.registerProfile(r)
	c.registerDevices(r)
}

func (c *Pages) getPeople(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	values := r.URL.Query()
	page := view.People{Base: c.Base(r, p, "people"), Query: values.Get("q"), First: values.Get("after") == "", Invite: p.Allows(admin.PermInvite)}
	page.Path = shell.PeoplePath // the language form leads to the list, not to a cursor
	garage, err := c.groupField(r, p, "group")
	if err != nil {
		return err
	}
	page.Filters = append([]view.Field{garage}, peopleFilters(p)...)
	view.Fill(page.Filters, values)
	q, err := c.peopleQuery(r, p, &page)
	if err != nil || page.NoGroup || page.Nearly != nil {
		return c.renderMade(w, page, err)
	}
	users, next, err := c.Directory.Users(r.Context(), p, q)
	if err != nil {
		return err
	}
	if page.Rows, err = c.peopleRows(r, p, users); err != nil {
		return err
	}
	page.More = shell.MorePath(r, next)
	return c.Render(w, http.StatusOK, page)
}

// renderMade renders a page unless err is set.
func (c *Pages) renderMade(w http.ResponseWriter, page view.People, err error) error {
	if err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, page)
}

// peopleFilters returns the filters beside that of groups. A principal with a group scope finds no user with a role.
func peopleFilters(p admin.Principal) []view.Field {
	state := view.Field{Name: "state", Kind: "select"}
	for _, s := range account.Statuses() {
		state.Options = append(state.Options, view.Option{Value: string(s), Words: key("state.", string(s))})
	}
	devices := view.Field{Name: "devices", Kind: "select"}
	for n := range roster.MaxDevices + 1 {
		devices.Options = append(devices.Options, view.Option{Value: strconv.Itoa(n), Words: key("people.devices_", strconv.Itoa(n))})
	}
	devices.Options = append(devices.Options, view.Option{Value: riskOfLockout, Words: "people.devices_risk"})
	if p.Scoped() {
		return []view.Field{state, devices}
	}
	role := view.Field{Name: "role", Kind: "select"}
	role.Options = roleOptions(func(account.Role) bool { return true })
	return []view.Field{state, devices, role}
}

// groupField returns a field for a group of the scope: a select if there are few groups, else the field of a name.
func (c *Pages) groupField(r *http.Request, p admin.Principal, name string) (view.Field, error) {
	groups, next, err := c.Directory.Groups(r.Context(), p, account.GroupQuery{Limit: fewGroups})
	f := view.Field{Name: name, Kind: "text"}
	if err != nil || next != "" || len(groups) == 0 {
		return f, err
	}
	sort.Slice(groups, func(i, j int) bool { return typed.Fold(groups[i].Name) < typed.Fold(groups[j].Name) })
	f.Kind = "select"
	for _, g := range groups {
		f.Options = append(f.Options, view.Option{Value: string(g.ID), Text: g.Name})
	}
	return f, nil
}

// peopleQuery returns the query of a list. If no group has the name that was typed, it sets NoGroup or Nearly instead.
func (c *Pages) peopleQuery(r *http.Request, p admin.Principal, page *view.People) (roster.UserQuery, error) {
	values := r.URL.Query()
	q := roster.UserQuery{Prefix: typed.Trim(page.Query), After: values.Get("after"), Limit: shell.RowsPerPage}
	for i := range page.Filters {
		f := &page.Filters[i]
		if f.Value == "" || f.Name != "group" && !f.Offers(f.Value) {
			continue
		}
		switch f.Name {
		case "group":
			g, err := c.Directory.FindGroup(r.Context(), p, f.Value)
			if errcode.Of(err) == errcode.NotFound {
				return q, c.nearly(r, p, page, f.Value)
			} else if err != nil {
				return q, err
			}
			if q.Group = g.ID; f.Kind != "select" {
				f.Value = g.Name
			}
		case "state":
			q.Statuses = []account.Status{account.Status(f.Value)}
		case "devices":
			if q.AtRisk = f.Value == riskOfLockout; !q.AtRisk {
				n, _ := strconv.Atoi(f.Value) // one of the options
				q.Devices = []int{n}
			}
		case "role":
			q.Role = account.Role(f.Value)
		}
	}
	return q, nil
}

// nearly lists the groups with a word in their name that begins like the text.
func (c *Pages) nearly(r *http.Request, p admin.Principal, page *view.People, name string) error {
	groups, _, err := c.Directory.Groups(r.Context(), p, account.GroupQuery{Prefix: name, Limit: 20})
	if page.NoGroup = len(groups) == 0; err != nil {
		return err
	}
	for _, g := range groups {
		values := r.URL.Query()
		values.Set("group", string(g.ID))
		values.Del("after")
		page.Nearly = append(page.Nearly, view.Link{Name: g.Name, Path: shell.PeoplePath + "?" + values.Encode()})
	}
	return nil
}

// peopleRows returns the rows of a list.
func (c *Pages) peopleRows(r *http.Request, p admin.Principal, users []account.User) ([]view.PersonRow, error) {
	names, err := c.Directory.GroupNames(r.Context(), p, users)
	if err != nil {
		return nil, err
	}
	rows := make([]view.PersonRow, len(users))
	for i := range users {
		u := &users[i]
		rows[i] = view.PersonRow{Path: pathOf(u), Name: u.DisplayName(), Login: u.AsGiven().Login, State: view.State(u.DisplayStatus),
			Devices: c.Accounts.CountPrimary(u), LastLogin: u.LastLogin}
		for _, g := range u.Groups {
			if names[g] != "" {
				rows[i].Groups = append(rows[i].Groups, names[g])
			}
		}
	}
	return rows, nil
}

// pathOf returns the path of the page of a user.
func pathOf(u *account.User) string { return shell.PeoplePath + "/" + url.PathEscape(string(u.ID)) }
