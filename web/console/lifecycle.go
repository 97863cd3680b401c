package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/throttle"
	"barillet/web/site"
)

// registerLifecycle registers the operations that change the status of a user.
func (c *Pages) registerLifecycle(r *site.Router) {
	type change func(context.Context, admin.Principal, account.RequestInfo, string) error
	for _, l := range []struct {
		name   string
		do     change
		need   admin.Permission
		budget throttle.Quota
		danger bool
	}{
		{"suspend", c.Directory.Suspend, admin.PermManage, throttle.NeverRefused, true},
		{"unsuspend", c.Directory.Unsuspend, admin.PermManage, throttle.APIWrites, false},
		{"deactivate", c.Directory.Deactivate, admin.PermManage, throttle.NeverRefused, true},
		{"unlock", c.Directory.Unlock, admin.PermAssist, throttle.APIWrites, false},
	} {
		c.act(r, act{name: l.name, path: personPath + "/{id}/" + l.name, section: "people", need: l.need, budget: l.budget, danger: l.danger,
			reason: l.need.NeedsProof(), repeatable: true, open: c.openPerson,
			run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
				return outcome{}, l.do(ctx, p, from, in.path("id"))
			}})
	}
}

// personPath is the path of the list of users; that of one follows it.
const personPath = "/console/people"

// openPerson returns the form of an operation on the user in the path.
func (c *Pages) openPerson(r *http.Request, p admin.Principal) (form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return form{}, err
	}
	return form{subject: u.DisplayName(), back: personPath + "/" + string(u.ID)}, nil
}
