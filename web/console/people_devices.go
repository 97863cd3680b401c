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
	"barillet/web/site"
)

// registerDevices registers the operations on devices, tickets and sessions.
func (c *Pages) registerDevices(r *site.Router) {
	c.act(r, act{name: "freeze_device", path: personPath + "/{id}/devices/{fid}/freeze", section: "people", need: admin.PermAssist, budget: throttle.NeverRefused, danger: true, reason: true,
		repeatable: true, open: c.openDevice,
		run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
			_, err := c.Directory.Freeze.ByAdmin(ctx, p, from, in.path("id"), factors.DeviceID(in.path("fid")), from.Reason)
			return outcome{}, err
		}})
	c.act(r, act{name: "remove_device", path: personPath + "/{id}/devices/{fid}/remove", section: "people", need: admin.PermReset, budget: throttle.NeverRefused, danger: true, reason: true,
		repeatable: true, open: c.openDevice,
		run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
			return outcome{}, c.Directory.RemoveDevice(ctx, p, from, in.path("id"), factors.DeviceID(in.path("fid")))
		}})
	c.act(r, act{name: "end_sessions", path: personPath + "/{id}/end_sessions", section: "people", need: admin.PermAssist, budget: throttle.NeverRefused, repeatable: true,
		open: func(r *http.Request, p admin.Principal) (form, error) {
			f, err := c.openPerson(r, p)
			f.fields = append(f.fields, view.Field{Name: "forget", Kind: "tick"})
			return f, err
		},
		run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
			return outcome{}, c.Directory.RevokeSessions(ctx, p, from, in.path("id"), in.ticked("forget"))
		}})
	c.act(r, act{name: "reset", path: personPath + "/{id}/reset", section: "people", need: admin.PermReset, budget: throttle.APIWrites, danger: true, reason: true,
		open: c.openReset, run: c.reset})
	c.act(r, act{name: "resend_ticket", path: personPath + "/{id}/tickets/send", section: "people", need: admin.PermReset, budget: throttle.APIWrites, reason: true,
		open: c.openPerson, run: c.resendTicket})
	c.addNotice("reset_asked")
}

// openDevice returns the form of an operation on the device in the path.
func (c *Pages) openDevice(r *http.Request, p admin.Principal) (form, error) {
	f, err := c.openPerson(r, p)
	if err != nil {
		return f, err
	}
	d, err := c.Directory.Device(r.Context(), p, r.PathValue("id"), factors.DeviceID(r.PathValue("fid")))
	f.subject = d.Name + " (" + f.subject + ")"
	return f, err
}

func (c *Pages) openReset(r *http.Request, p admin.Principal) (form, error) {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return form{}, err
	}
	f, err := c.openPerson(r, p)
	f.fields = append(f.fields, checkFields(helpdesk.Numbers(&u, c.Now()), false)...)
	return f, err
}

// reset resets the devices of a user, or asks a second administrator for it. The ticket is sent by email.
func (c *Pages) reset(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	result, err := c.Directory.HelpDesk.Reset(ctx, p, from, in.path("id"), helpdesk.ResetRequest{Reason: from.Reason,
		Check: identityCheck(in)})
	if err == nil && result.Approval != nil {
		return outcome{next: approvalPath(result.Approval)}, nil
	}
	return outcome{}, formError(err)
}

func (c *Pages) resendTicket(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	send := true
	_, err := c.Directory.HelpDesk.Reset(ctx, p, from, in.path("id"), helpdesk.ResetRequest{Reason: from.Reason, SendEmail: &send, OnlyAgain: true})
	return outcome{}, err
}
