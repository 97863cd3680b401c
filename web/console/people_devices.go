package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// registerDevices registers the operations on devices, tickets and sessions.
func (c *Pages) registerDevices(r *site.Router) {
	c.Act(r, shell.Act{Name: "freeze_device", Path: shell.PeoplePath + "/{id}/devices/{fid}/freeze", Section: "people", Need: admin.PermAssist, Budget: throttle.NeverRefused, Danger: true, Reason: true,
		Repeatable: true, Open: c.openDevice,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			_, err := c.Directory.Freeze.ByAdmin(ctx, p, from, in.Path("id"), factors.DeviceID(in.Path("fid")), from.Reason)
			return shell.Outcome{}, err
		}})
	c.Act(r, shell.Act{Name: "remove_device", Path: shell.PeoplePath + "/{id}/devices/{fid}/remove", Section: "people", Need: admin.PermReset, Budget: throttle.NeverRefused, Danger: true, Reason: true,
		Repeatable: true, Open: c.openDevice,
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			return shell.Outcome{}, c.Directory.RemoveDevice(ctx, p, from, in.Path("id"), factors.DeviceID(in.Path("fid")))
		}})
	c.Act(r, shell.Act{Name: "end_sessions", Path: shell.PeoplePath + "/{id}/end_sessions", Section: "people", Need: admin.PermAssist, Budget: throttle.NeverRefused, Repeatable: true,
		Open: func(r *http.Request, p admin.Principal) (shell.Form, error) {
			f, err := c.openPerson(r, p)
			f.Fields = append(f.Fields, view.Field{Name: "forget", Kind: "tick"})
			return f, err
		},
		Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			return shell.Outcome{}, c.Directory.RevokeSessions(ctx, p, from, in.Path("id"), in.Ticked("forget"))
		}})
	c.Act(r, shell.Act{Name: "reset", Path: shell.PeoplePath + "/{id}/reset", Section: "people", Need: admin.PermReset, Budget: throttle.APIWrites, Danger: true, Reason: true,
		Open: c.openReset, Run: c.reset})
	c.Act(r, shell.Act{Name: "resend_ticket", Path: shell.PeoplePath + "/{id}/tickets/send", Section: "people", Need: admin.PermReset, Budget: throttle.APIWrites, Reason: true,
		Open: c.openPerson, Run: c.resendTicket})
}

// openDevice returns the form of an operation on the device in the path.
func (c *Pages) openDevice(r *http.Request, p admin.Principal) (shell.Form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	d, err := c.Directory.Device(r.Context(), p, r.PathValue("id"), factors.DeviceID(r.PathValue("fid")))
	f.Subject = d.Name + " (" + f.Subject + ")"
	return f, err
}

func (c *Pages) openReset(r *http.Request, p admin.Principal) (shell.Form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return shell.Form{}, err
	}
	f, err := c.openPerson(r, p)
	f.Fields = append(f.Fields, checkFields(helpdesk.Numbers(&u, c.Now()), false)...)
	return f, err
}

// reset resets the devices of a user, or asks a second administrator for it. The ticket is sent by email.
func (c *Pages) reset(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	_, waits, err := c.Approvals.Reset(ctx, p, from, in.Path("id"), helpdesk.ResetRequest{Reason: from.Reason,
		Check: identityCheck(in)})
	return unlessItWaits(waits, formError(err))
}

func (c *Pages) resendTicket(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	send := true
	_, err := c.Directory.HelpDesk.Reset(ctx, p, from, in.Path("id"), helpdesk.ResetRequest{Reason: from.Reason, SendEmail: &send, OnlyAgain: true})
	return shell.Outcome{}, err
}
