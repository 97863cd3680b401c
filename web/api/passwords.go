package api

import (
	"net/http"

	"barillet/authn/helpdesk"
	"barillet/web/reply"
)

// passwordLinkJSON is Okta's answer: empty where the link was mailed.
type passwordLinkJSON struct {
	ResetPasswordURL string `json:"resetPasswordUrl,omitempty"`
}

func (a *API) resetPassword(w http.ResponseWriter, r *http.Request, op helpdesk.Operator) error {
	id, sendEmail, err := mailed(r)
	if err != nil {
		return err
	}
	return a.once(w, r, op, func(r *http.Request) (int, any, any, error) {
		link, err := a.desk.ResetPassword(r.Context(), op, reply.From(r.Context()).Origin(), id, sendEmail)
		return http.StatusOK, passwordLinkJSON{link.Reveal()}, passwordLinkJSON{}, err
	})
}
