package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/site"
)

const approvalsPath = "/console/approvals"

func (c *Pages) registerApprovals(r *site.Router) {
	c.get(r, approvalsPath, c.getApprovals)
	c.get(r, approvalsPath+"/{aid}", c.getApproval)
	open := func(r *http.Request, p admin.Principal) (form, error) {
		a, err := c.Approvals.Get(r.Context(), p, r.PathValue("aid"))
		return form{subject: a.Login, back: approvalsPath + "/" + a.ID}, err
	}
	c.act(r, act{name: "approval_approve", path: approvalsPath + "/{aid}/approve", section: "approvals", need: admin.PermApprove, budget: throttle.APIWrites, danger: true, reason: true, open: open,
		run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
			_, err := c.Approvals.Approve(ctx, p, from, in.path("aid"))
			return outcome{next: site.WithQuery(approvalsPath, "done", "approval_approve")}, err
		}})
	// The user, and who asked, reject without a proof; others prove when they send the form.
	c.act(r, act{name: "approval_reject", path: approvalsPath + "/{aid}/reject", section: "approvals", need: admin.PermRead, budget: throttle.APIWrites, reason: true, open: open,
		run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
			return outcome{next: site.WithQuery(approvalsPath, "done", "approval_reject")}, c.Approvals.Reject(ctx, p, from, in.path("aid"))
		}})
}

func (c *Pages) getApprovals(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Approvals.List(r.Context(), p, after, rowsPerPage)
	if err != nil {
		return err
	}
	page := view.Approvals{Base: c.base(r, p, "approvals"), More: morePath(r, next)}
	for i := range found {
		page.Approvals = append(page.Approvals, approvalRow(p, &found[i]))
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) getApproval(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	a, err := c.Approvals.Get(r.Context(), p, r.PathValue("aid"))
	if err != nil {
		return err
	}
	return c.Render(w, http.StatusOK, view.Approval{Base: c.base(r, p, "approvals"), ApprovalRow: approvalRow(p, &a)})
}

func approvalRow(p admin.Principal, a *approval.Approval) view.ApprovalRow {
	row := view.ApprovalRow{Path: approvalsPath + "/" + a.ID, Person: personPath + "/" + string(a.User), Login: a.Login, By: a.ByName, Reason: a.Reason, Asked: a.At, Until: a.Expires,
		Mine: p.Owner == a.Owner, AboutMe: p.Owner == string(a.User)}
	row.CanApprove = p.Allows(admin.PermApprove) && !row.Mine && !row.AboutMe
	row.CanReject = p.Allows(admin.PermApprove) || row.Mine || row.AboutMe
	return row
}

// approvalPath returns the path of the page that follows a request for an approval.
func approvalPath(a *approval.Approval) string {
	return approvalsPath + "/" + a.ID + "?done=reset_asked"
}
