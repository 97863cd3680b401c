package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const approvalsPath = "/console/approvals"

func (c *Pages) registerApprovals(r *site.Router) {
	c.Get(r, approvalsPath, c.getApprovals)
	c.Get(r, approvalsPath+"/{aid}", c.getApproval)
	open := func(r *http.Request, p admin.Principal) (shell.Form, error) {
		a, err := c.Directory.HelpDesk.Approval(r.Context(), p, r.PathValue("aid"))
		return shell.Form{Subject: a.Login, Back: approvalsPath + "/" + a.ID}, err
	}
	c.Act(r, shell.Act{Name: "approval_approve", Path: approvalsPath + "/{aid}/approve", Section: "approvals", Need: admin.PermApprove, Budget: throttle.APIWrites, Danger: true, Reason: true, Open: open,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			_, err := c.Directory.HelpDesk.Approve(ctx, p, from, in.Path("aid"))
			return shell.Outcome{Next: site.WithQuery(approvalsPath, "done", "approval_approve")}, err
		}})
	// The user, and who asked, reject without a proof; others prove when they send the form.
	c.Act(r, shell.Act{Name: "approval_reject", Path: approvalsPath + "/{aid}/reject", Section: "approvals", Need: admin.PermRead, Budget: throttle.APIWrites, Reason: true, Open: open,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			return shell.Outcome{Next: site.WithQuery(approvalsPath, "done", "approval_reject")}, c.Directory.HelpDesk.RejectApproval(ctx, p, from, in.Path("aid"))
		}})
}

func (c *Pages) getApprovals(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Directory.HelpDesk.Approvals(r.Context(), p, after, shell.RowsPerPage)
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
	a, err := c.Directory.HelpDesk.Approval(r.Context(), p, r.PathValue("aid"))
	if err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, view.Approval{Base: c.Base(r, p, "approvals"), ApprovalRow: approvalRow(p, &a)})
}

func approvalRow(p admin.Principal, a *helpdesk.ResetApproval) view.ApprovalRow {
	row := view.ApprovalRow{Path: approvalsPath + "/" + a.ID, Person: shell.PeoplePath + "/" + string(a.User), Login: a.Login, By: a.ByName, Reason: a.Reason, Asked: a.At, Until: a.Expires,
		Mine: p.Owner == a.Owner, AboutMe: p.Owner == string(a.User)}
	row.CanApprove = p.Allows(admin.PermApprove) && !row.Mine && !row.AboutMe
	row.CanReject = p.Allows(admin.PermApprove) || row.Mine || row.AboutMe
	return row
}

// approvalPath returns the path of the page that follows a request for an approval.
func approvalPath(a *helpdesk.ResetApproval) string {
	return approvalsPath + "/" + a.ID + "?done=reset_asked"
}
