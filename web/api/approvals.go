package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/web/reply"
)

// approvalJSON is a reset approval.
type approvalJSON struct {
	ID               string              `json:"id"`
	Status           string              `json:"status"` // PENDING
	UserID           account.UserID      `json:"userId"`
	Login            string              `json:"login"`
	RequestedBy      string              `json:"requestedBy"`
	RequestedByName  string              `json:"requestedByName"`
	RequestedByOwner string              `json:"requestedByOwner"` // another owner must approve
	Reason           string              `json:"reason"`
	HelpRequestID    string              `json:"helpRequestId,omitempty"`
	Created          *string             `json:"created"`
	ExpiresAt        *string             `json:"expiresAt"`
	Links            map[string]linkJSON `json:"_links"`
}

func (a *API) approval(p helpdesk.ResetApproval) approvalJSON {
	self := a.publicURL + "/api/v1/reset-approvals/" + p.ID
	return approvalJSON{ID: p.ID, Status: "PENDING", UserID: p.User, Login: p.Login, RequestedBy: p.By, RequestedByName: p.ByName, RequestedByOwner: p.Owner, Reason: p.Reason,
		HelpRequestID: p.HelpRequest, Created: reply.Timestamp(p.At), ExpiresAt: reply.Timestamp(p.Expires),
		Links: map[string]linkJSON{"self": {Href: self}, "user": {Href: a.publicURL + "/api/v1/users/" + string(p.User)},
			"approve": {Href: self, Method: http.MethodPost}, "reject": {Href: self, Method: http.MethodDelete}}}
}

func (a *API) listApprovals(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]helpdesk.ResetApproval, string, error) {
		return a.directory.HelpDesk.Approvals(r.Context(), op, p.after, p.limit)
	}, a.approval)
}

func (a *API) getApproval(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	p, err := a.directory.HelpDesk.Approval(r.Context(), op, id)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.approval(p))
}

// approve takes no body: the reset was specified when it was requested.
func (a *API) approve(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (helpdesk.ResetResult, error) {
		return a.directory.HelpDesk.Approve(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
	}, func(receipt helpdesk.ResetResult) (int, any, any, error) {
		out := a.receipt(receipt) // contains no secret: the ticket is always sent by email
		return http.StatusOK, out, out, nil
	}))
}

func (a *API) rejectApproval(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "aid")
	if err != nil {
		return err
	}
	if err := a.directory.HelpDesk.RejectApproval(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
