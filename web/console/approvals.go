package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/directory"
	"barillet/internal/throttle"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const approvalsPath = "/console/approvals"

func (c *Pages) registerApprovals(r *site.Router) {
	for _, o := range approval.Operations() {
		c.AddNotice(string(o) + "_asked")
	}
	c.Get(r, approvalsPath, c.getApprovals)
	c.Get(r, approvalsPath+"/{aid}", c.getApproval)
	open := func(r *http.Request, p admin.Principal) (shell.Form, error) {
		page, err := c.approvalPage(r, p)
		return shell.Form{Subject: page.Login, Back: page.ApprovalRow.Path, Approval: &page}, err
	}
	c.Act(r, shell.Act{Name: "approval_approve", Path: approvalsPath + "/{aid}/approve", Section: "approvals", Need: admin.PermApprove, Budget: throttle.APIWrites, Danger: true, Reason: true, Open: open,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			_, err := c.Approvals.Approve(ctx, p, from, in.Path("aid"))
			return shell.Outcome{Next: site.WithQuery(approvalsPath, "done", "approval_approve")}, err
		}})
	// The user, and who asked, reject without a proof; others prove when they send the form.
	for _, words := range []string{"reject", "withdraw"} { // who asked withdraws
		c.Act(r, shell.Act{Name: "approval_" + words, Path: approvalsPath + "/{aid}/" + words, Section: "approvals", Need: admin.PermRead, Budget: throttle.APIWrites, Reason: true, Open: open,
			Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
				return shell.Outcome{Next: site.WithQuery(approvalsPath, "done", "approval_"+words)}, c.Approvals.Reject(ctx, p, from, in.Path("aid"))
			}})
	}
}

func (c *Pages) getApprovals(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Approvals.List(r.Context(), p, after, shell.RowsPerPage)
	if err != nil {
		return err
	}
	page := view.Approvals{Base: c.Base(r, p, "approvals"), More: shell.MorePath(r, next)}
	for i := range found {
		page.Approvals = append(page.Approvals, approvalRow(p, &found[i]))
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) getApproval(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	page, err := c.approvalPage(r, p)
	if err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, page)
}

// approvalPage returns the page of an approval. The pages to approve and to reject show it too: a link can lead there at once.
func (c *Pages) approvalPage(r *http.Request, p admin.Principal) (view.Approval, error) {
	a, err := c.Approvals.Get(r.Context(), p, r.PathValue("aid"))
	if err != nil {
		return view.Approval{}, err
	}
	page := view.Approval{Base: c.Base(r, p, "approvals"), ApprovalRow: approvalRow(p, &a)}
	if a.Role != nil {
		page.Role = &view.ApprovedRole{Role: roleWords(a.Role.Role), Further: a.Role.Assignment != ""}
		names := map[account.GroupID]string{}
		for _, id := range a.Role.Groups {
			name, err := c.groupLabel(r.Context(), p, id, names)
			if err != nil {
				return view.Approval{}, err
			}
			page.Role.Groups = append(page.Role.Groups, name)
		}
		slices.Sort(page.Role.Groups)
	}
	if a.Profile != nil {
		u, err := c.Directory.Admin.User(r.Context(), p, string(a.User))
		if err != nil {
			return view.Approval{}, err
		}
		if page.Changes, err = approvedMembers(&u, a.Profile); err != nil {
			return view.Approval{}, err
		}
	}
	return page, nil
}

// approvedMembers returns the members of a profile that a change writes, with their present and new values.
func approvedMembers(u *account.User, m *directory.ProfileMembers) (all []view.ApprovedMember, err error) {
	known, custom := directory.KnownMembers(u), map[string]json.RawMessage{}
	if len(u.Profile) > 0 {
		if err := json.Unmarshal(u.Profile, &custom); err != nil {
			return nil, fmt.Errorf("decoding profile: %w", err)
		}
	}
	for _, name := range m.Names() {
		row := view.ApprovedMember{Name: name, Old: string(custom[name])}
		if value, is := m.Known[name]; is {
			row.Words, row.Old, row.New = templates.Key("field."+name), known[name], value
		} else if value := string(m.Custom[name]); value != "null" {
			row.New = value
		}
		all = append(all, row)
	}
	return all, nil
}

func approvalRow(p admin.Principal, a *approval.Approval) view.ApprovalRow {
	row := view.ApprovalRow{Path: approvalsPath + "/" + a.ID, Person: shell.PeoplePath + "/" + string(a.User), Operation: string(a.Operation), Login: a.Login, By: a.ByName, Reason: a.Reason, Asked: a.At, Until: a.Expires,
		Mine: p.Owner == a.Owner, AboutMe: p.Owner == string(a.User)}
	row.CanApprove = a.Decides(p) && !row.Mine && !row.AboutMe
	row.CanReject = a.Decides(p) || row.Mine || row.AboutMe
	return row
}

// unlessItWaits returns the outcome of an operation that may wait for an approval.
func unlessItWaits(waits *approval.Approval, err error) (shell.Outcome, error) {
	if err != nil || waits == nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{Next: approvalPath(waits)}, nil
}

// approvalPath returns the path of the page that follows a request for an approval.
func approvalPath(a *approval.Approval) string {
	return site.WithQuery(approvalsPath+"/"+a.ID, "done", string(a.Operation)+"_asked")
}
