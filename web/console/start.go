package console

import (
	"net/http"

	"barillet/authn/admin"
	view "barillet/templates/console"
)

func (c *Pages) getStart(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	return c.Render(w, http.StatusOK, view.Start{Base: c.base(r, p, "start")})
}
