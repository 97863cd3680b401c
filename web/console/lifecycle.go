package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/throttle"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// personAct is an operation on a user without a field.
type personAct struct {
	name, path string // below the page of the user; "": the name
	do         func(context.Context, admin.Principal, account.RequestInfo, string) error
	need       admin.Permission
	budget     throttle.Quota
	danger     bool
	once       bool // a repeat sends another email
	next       string
}

// registerLifecycle registers the operations on a user that need no more than a reason.
func (c *Pages) registerLifecycle(r *site.Router) {
	for _, a := range []personAct{
		{name: "suspend", do: c.Directory.Suspend, need: admin.PermManage, budget: throttle.NeverRefused, danger: true},
		{name: "unsuspend", do: c.Directory.Unsuspend, need: admin.PermManage, budget: throttle.APIWrites},
		{name: "deactivate", do: c.Directory.Deactivate, need: admin.PermManage, budget: throttle.NeverRefused, danger: true},
		{name: "delete", do: c.Directory.Delete, need: admin.PermManage, budget: throttle.NeverRefused, danger: true, next: shell.PeoplePath + "?done=delete"},
		{name: "unlock", do: c.Directory.Unlock, need: admin.PermAssist, budget: throttle.APIWrites},
		{name: "invite", do: c.invite, need: admin.PermInvite, budget: throttle.APIWrites, once: true},
		{name: "reactivate", do: c.invite, need: admin.PermManage, budget: throttle.APIWrites, once: true},
		{name: "withdraw_invitation", path: "invitation/withdraw", do: c.Directory.WithdrawInvitation, need: admin.PermInvite, budget: throttle.NeverRefused, danger: true},
		{name: "withdraw_tickets", path: "tickets/withdraw", do: c.Directory.WithdrawTickets, need: admin.PermAssist, budget: throttle.NeverRefused, danger: true},
		{name: "password_link", do: c.sendPasswordLink, need: admin.PermAssist, budget: throttle.APIWrites, once: true},
		{name: "expire_password", do: c.expirePassword, need: admin.PermManage, budget: throttle.APIWrites},
		{name: "freeze_all", do: c.freezeAll, need: admin.PermAssist, budget: throttle.NeverRefused, danger: true},
	} {
		path := a.path
		if path == "" {
			path = a.name
		}
		c.Act(r, shell.Act{Name: a.name, Path: shell.PeoplePath + "/{id}/" + path, Section: "people", Need: a.need, Budget: a.budget, Danger: a.danger,
			Reason: a.need.NeedsProof() || a.danger, Repeatable: !a.once, Open: c.openPerson,
			Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
				return shell.Outcome{Next: a.next}, a.do(ctx, p, from, in.Path("id"))
			}})
	}
}

// openPerson returns the form of an operation on the user in the path.
func (c *Pages) openPerson(r *http.Request, p admin.Principal) (shell.Form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return shell.Form{}, err
	}
	return shell.Form{Subject: u.DisplayName(), Back: pathOf(&u)}, nil
}

// invite invites a user by email, or activates a deactivated one again.
func (c *Pages) invite(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
	_, err := c.Directory.Activate(ctx, p, from, id, true)
	return err
}

func (c *Pages) sendPasswordLink(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
	_, err := c.Directory.ResetPassword(ctx, p, from, id, true)
	return err
}

func (c *Pages) expirePassword(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
	_, err := c.Directory.ExpirePassword(ctx, p, from, id)
	return err
}

func (c *Pages) freezeAll(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
	_, err := c.Directory.Freeze.ByAdmin(ctx, p, from, id, factors.DeviceID(""), from.Reason)
	return err
}
