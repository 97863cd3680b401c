package api

import (
	"encoding/json"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/helpdesk"
	"barillet/web/reply"
)

// approvalJSON is an operation that waits for the consent of a second administrator.
type approvalJSON struct {
	ID               string                     `json:"id"`
	Status           string                     `json:"status"` // PENDING
	Operation        approval.Operation         `json:"operation"`
	UserID           account.UserID             `json:"userId"`
	Login            string                     `json:"login"`
	Role             *approvedRoleJSON          `json:"role,omitempty"`
	Profile          map[string]json.RawMessage `json:"profile,omitempty"` // the members that change; null removes one
	RequestedBy      string                     `json:"requestedBy"`
	RequestedByName  string                     `json:"requestedByName"`
	RequestedByOwner string                     `json:"requestedByOwner"` // another owner must approve
	Reason           string                     `json:"reason"`
	HelpRequestID    string                     `json:"helpRequestId,omitempty"`
	Created          *string                    `json:"created"`
	ExpiresAt        *string                    `json:"expiresAt"`
	Links            map[string]linkJSON        `json:"_links"`
}

// approvedRoleJSON is the role that an approval assigns, or the group that it adds to the targets of one.
type approvedRoleJSON struct {
	ID      string            `json:"id,omitempty"` // of the assignment that gets the target
	Type    account.Role      `json:"type"`
	Targets []account.GroupID `json:"targets"` // null: all users
}

func (a *API) approval(p approval.Approval) approvalJSON {
	self := a.publicURL + "/api/v1/approvals/" + p.ID
	out := approvalJSON{ID: p.ID, Status: "PENDING", Operation: p.Operation, UserID: p.User, Login: p.Login, RequestedBy: p.By, RequestedByName: p.ByName, RequestedByOwner: p.Owner,
		Reason: p.Reason, HelpRequestID: p.HelpRequest, Created: reply.Timestamp(p.At), ExpiresAt: reply.Timestamp(p.Expires),
		Links: map[string]linkJSON{"self": {Href: self}, "user": {Href: a.publicURL + "/api/v1/users/" + string(p.User)},
			"approve": {Href: self, Method: http.MethodPost}, "reject": {Href: self, Method: http.MethodDelete}}}
	if p.Role != nil {
		out.Role = &approvedRoleJSON{p.Role.Assignment, p.Role.Role, p.Role.Groups}
	}
	if p.Profile != nil {
		out.Profile = p.Profile.Values()
	}
	return out
}

func (a *API) listApprovals(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]approval.Approval, string, error) {
		return a.approvals.List(r.Context(), op, p.after, p.limit)
	}, a.approval)
}

func (a *API) getApproval(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	p, err := a.approvals.Get(r.Context(), op, id)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.approval(p))
}

// approve takes no body: the operation was specified when it was requested. The response is that of the operation.
func (a *API) approve(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	return a.once(w, r, op, idempotentCall{do: func(r *http.Request) (any, error) {
		done, err := a.approvals.Approve(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
		switch done.Operation {
		case approval.OperationRole:
			return done.Role, err
		case approval.OperationProfile:
			return done.User, err
		}
		return done.Reset, err
	}, answer: func(outcome any) (status int, shown, kept any, err error) {
		switch out := outcome.(type) {
		case helpdesk.ResetResult:
			receipt := a.receipt(out) // contains no secret: the ticket is always sent by email
			return http.StatusOK, receipt, receipt, nil
		case admin.AssignedRole:
			role := a.role(out.User, out.Assignment)
			return http.StatusOK, role, role, nil
		case account.User:
			return a.userAnswer(out)
		}
		return 0, nil, nil, nil
	}})
}

func (a *API) rejectApproval(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	if err := a.approvals.Reject(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
