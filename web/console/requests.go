package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// requestsPath is the path of the queue; that of one request follows it.
const requestsPath = "/console/requests"

func (c *Pages) registerRequests(r *site.Router) {
	c.Get(r, requestsPath, c.getRequests)
	c.Get(r, requestsPath+"/{hid}", c.getRequest)
	c.registerRequestActs(r)
}

// getRequests shows a page of the queue. The script of the page reads it again every five seconds.
func (c *Pages) getRequests(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	q := r.URL.Query()
	query := helpdesk.RequestQuery{Status: helpdesk.State(q.Get("state")), Group: account.GroupID(q.Get("group")), Reference: q.Get("q"), After: q.Get("after"), Limit: shell.RowsPerPage}
	query.Waiting = query.Status == "" && query.Reference == ""
	if q.Get("mine") == "yes" {
		query.Assignee = helpdesk.Me
	}
	found, next, err := c.Directory.HelpDesk.Requests(r.Context(), p, query)
	if e := errcode.Of(err); e == errcode.Invalid { // an address that no page has
		return errcode.New(errcode.NotFound)
	}
	if err != nil {
		return err
	}
	page := view.Requests{Base: c.Base(r, p, "requests"), State: q.Get("state"), Group: q.Get("group"), Find: q.Get("q"), Mine: query.Assignee != "",
		MayTake: p.Allows(admin.PermHelp)}
	filter, err := c.groupField(r, p, "group")
	if err != nil {
		return err
	}
	if page.Groups = filter.Options; page.Group != "" && page.Groups == nil {
		g, err := c.Directory.Group(r.Context(), p, query.Group)
		if err != nil && !account.Missing(err) {
			return err
		}
		page.GroupName = g.Name
	}
	for i := range found {
		row, _, err := c.requestRow(r, p, &found[i])
		if err != nil {
			return err
		}
		page.Rows = append(page.Rows, row)
	}
	page.More = shell.MorePath(r, next)
	return c.Render(w, http.StatusOK, page)
}

// requestRow returns a request as the queue shows it, and its user; nil without one.
func (c *Pages) requestRow(r *http.Request, p admin.Principal, q *helpdesk.Request) (view.RequestRow, *account.User, error) {
	row := view.RequestRow{Path: requestsPath + "/" + q.ID, Reference: q.Reference, Name: q.Email, Topic: templates.TopicKey(q.Topic), Age: c.age(q.At),
		State: string(q.State), Assignee: q.AssigneeName, Mine: q.Assignee != "" && q.Assignee == p.Owner}
	row.Proven = slices.ContainsFunc(q.Texts, func(t helpdesk.Text) bool { return t.PasswordProven })
	row.Recognized = slices.ContainsFunc(q.Texts, func(t helpdesk.Text) bool { return t.KnownBrowser })
	if q.User == "" {
		return row, nil, nil
	}
	u, err := c.Directory.Admin.User(r.Context(), p, string(q.User))
	switch {
	case account.Missing(err): // deleted after the request
		return row, nil, nil
	case err != nil:
		return row, nil, err
	}
	row.Known, row.Name = true, u.DisplayName()
	names, err := c.Directory.GroupNames(r.Context(), p, []account.User{u})
	if err != nil {
		return row, nil, err
	}
	for _, g := range u.Groups {
		if row.Group = names[g]; row.Group != "" {
			row.GroupPath = requestsPath + "?group=" + url.QueryEscape(string(g))
			break
		}
	}
	return row, &u, nil
}

// getRequest shows a request. The path has its id, or a reference as an email has it.
func (c *Pages) getRequest(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	q, err := c.Directory.HelpDesk.Request(r.Context(), p, r.PathValue("hid"))
	if err != nil {
		return err
	}
	if q.ID != r.PathValue("hid") {
		return site.Redirect(w, requestsPath+"/"+q.ID)
	}
	row, u, err := c.requestRow(r, p, &q)
	if err != nil {
		return err
	}
	page := view.HelpRequest{Base: c.Base(r, p, "requests"), Row: row, At: q.At, Email: q.Email, Removed: q.Removed, Closed: q.State.Closed()}
	if u != nil {
		page.User, page.Login = shell.PeoplePath+"/"+string(u.ID), u.Login
		page.Numbers = c.numbers(u)
	}
	changes, err := c.Directory.HelpDesk.RecentSecurityChanges(r.Context(), p, &q)
	if err != nil && !account.Missing(err) {
		return err
	}
	for _, x := range slices.Backward(changes) {
		page.Changes = append(page.Changes, templates.Event{At: x.At, Action: x.What, Device: x.Detail, Browser: x.Browser, Address: x.Address, OK: true})
	}
	for _, t := range q.TextsByTrust() {
		page.Texts = append(page.Texts, view.RequestText{At: t.At, Topic: templates.TopicKey(t.Topic), Message: t.Message, Browser: t.Agent, Address: t.Address,
			Proven: t.PasswordProven, Recognized: t.KnownBrowser, Forgotten: t.Forgotten})
	}
	for _, h := range slices.Backward(q.History) {
		page.History = append(page.History, historyEntry(h))
	}
	if q.Identity != "" {
		page.Checked = &view.HistoryEntry{At: q.IdentityAt, What: templates.Message{Key: checkWords(q.Identity)}, Text: q.IdentityBy}
	}
	page.Acts = c.requestActs(p, &q, row)
	return c.Render(w, http.StatusOK, page)
}

// numbers returns the telephone numbers on file.
func (c *Pages) numbers(u *account.User) (out []view.Number) {
	for _, n := range helpdesk.Numbers(u, c.Now()) {
		out = append(out, view.Number{Member: n.Member, Number: n.Number, Link: telephoneLink(n.Number), Young: n.Young})
	}
	return out
}

// telephoneLink returns the link that calls a number (RFC 3966).
func telephoneLink(number string) string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r == '+' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, number)
}

// historyEntry returns an operation in words.
func historyEntry(h helpdesk.HistoryEntry) view.HistoryEntry {
	out := view.HistoryEntry{At: h.At, By: h.Name, Text: h.Text}
	key := templates.Key("requests.history_" + h.What)
	switch h.What {
	case "status":
		key, out.Text = templates.Key("requests.history_"+h.Text), ""
	case "assigned":
		if key, out.Text = "requests.history_unassigned", ""; h.Who != "" {
			out.What = templates.Message{Key: "requests.history_assigned", Args: map[string]string{"Name": h.Text}}
			return out
		}
	case "identity":
		method, more, _ := strings.Cut(h.Text, ": ") // the masked number that was called, and by whom
		key, out.Text = checkWords(helpdesk.IdentityMethod(method)), more
	case "call":
		result, number, _ := strings.Cut(h.Text, ": ")
		key, out.Text = callWords(helpdesk.CallResult(result)), number
	case "note", "answer", "reset", "invited":
	default:
		key = "requests.history_other"
	}
	out.What = templates.Message{Key: key}
	return out
}
