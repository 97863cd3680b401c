package console

import (
	"net/http"
	"net/url"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/factors"
	typed "barillet/internal/input"
	"barillet/templates"
	view "barillet/templates/console"
)

// key returns the key of a sentence whose end is a value of a closed list.
func key(prefix, value string) templates.Key { return templates.Key(prefix + value) }

func (c *Pages) getPerson(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	u, err := c.Directory.Admin.User(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	_, open, err := c.Directory.Sessions(r.Context(), p, string(u.ID))
	if err != nil {
		return err
	}
	page := view.Person{Base: c.Base(r, p, "people"), Path: pathOf(&u), Name: u.DisplayName(), Profile: c.profileOf(&u), Sessions: sessionsOf(open)}
	page.CoolOff.Until, page.CoolOff.On = u.CoolOff(c.Now())
	page.May, page.Acts = rightsOf(p, &u), c.actsOn(p, &u)
	if page.Groups, err = c.membershipsOf(r, p, &u); err != nil {
		return err
	}
	if !p.Scoped() {
		page.RolesPath = rolesPath + "/" + url.PathEscape(string(u.ID))
	}
	request, err := c.Directory.HelpDesk.OpenRequestOf(r.Context(), p, string(u.ID))
	if err != nil {
		return err
	}
	if request != nil {
		page.Request = &view.Link{Name: request.Reference, Path: "/console/requests/" + url.PathEscape(request.ID)}
	}
	waits, err := c.Approvals.OfUser(r.Context(), p, string(u.ID))
	if err != nil {
		return err
	}
	for i := range waits {
		page.Approvals = append(page.Approvals, approvalRow(p, &waits[i]))
	}
	c.addDevices(&page, &u)
	c.addPapers(&page, &u)
	for _, a := range slices.Backward(p.VisibleActivity(u.Activity)) {
		page.Events = append(page.Events, templates.Event{At: a.At, Action: a.What, Device: a.Detail, Browser: a.Browser, Address: a.Address, OK: !a.Failed})
	}
	return c.Render(w, http.StatusOK, page)
}

// profileOf returns what is known about a user.
func (c *Pages) profileOf(u *account.User) view.PersonProfile {
	as := u.AsGiven()
	out := view.PersonProfile{State: view.State(u.DisplayStatus), StateAt: u.StatusAt, Login: as.Login, Email: as.Email, SecondEmail: as.SecondEmail,
		Verified: u.EmailVerified(), AddressMoved: u.AddressChanged(c.Now()), Locale: c.Accounts.Locale(u), LastLogin: u.LastLogin, Created: u.Created}
	for _, n := range helpdesk.Numbers(u, c.Now()) {
		out.Numbers = append(out.Numbers, view.Number{Member: n.Member, Number: n.Number, Young: n.Young})
	}
	for _, a := range u.Roles {
		out.Roles = append(out.Roles, view.RoleOf{Role: string(a.Role), Groups: len(a.Groups)})
	}
	return out
}

func (c *Pages) membershipsOf(r *http.Request, p admin.Principal, u *account.User) (out []view.Membership, err error) {
	names, err := c.Directory.GroupNames(r.Context(), p, []account.User{*u})
	for _, g := range u.Groups {
		if names[g] == "" {
			continue
		}
		m := view.Membership{Name: names[g]}
		if mayActOn(p, admin.PermManage, u) {
			m.Leave = pathOf(u) + "/groups/" + url.PathEscape(string(g)) + "/remove"
		}
		out = append(out, m)
	}
	return out, err
}

func sessionsOf(open []session.Summary) (out []templates.Session) {
	for _, s := range open {
		out = append(out, templates.Session{ID: s.ID, Browser: typed.DescribeUserAgent(s.Agent), Address: s.Address, Started: s.Since, Seen: s.LastSeen, Program: s.FromAPI})
	}
	return out
}

// addDevices adds the devices of a user to their page. Recovery codes are only counted.
func (c *Pages) addDevices(page *view.Person, u *account.User) {
	for _, d := range u.Devices {
		m := c.Accounts.Method(d.Kind)
		if m.Input == factors.InputBackup {
			if c.Accounts.CanUse(u, d) {
				page.Codes += c.Accounts.Status(d).Remaining
			}
			continue
		}
		out := templates.Device{ID: string(d.ID), Name: d.Name, Slug: m.Slug, Input: string(m.Input), App: templates.AppOf(d.App), Added: d.Added,
			LastUsed: d.LastUsed, Frozen: d.Frozen, FrozenBy: d.FrozenBy, Disabled: d.Disabled, By: d.EnrolledBy}
		for _, x := range d.Copies {
			out.Copies = append(out.Copies, templates.Copy{ID: x.ID, Name: x.Name, Shown: x.Shown, Confirmed: !x.Confirmed.IsZero(), ScanAgain: x.ScanAgain})
		}
		page.Devices = append(page.Devices, out)
	}
}

// addPapers adds the invitation and the valid tickets of a user to their page.
func (c *Pages) addPapers(page *view.Person, u *account.User) {
	now := c.Now()
	if i := u.Invited; !u.EverHadDevice && !i.Expires.IsZero() {
		page.Invitation = &view.Invitation{By: i.By, At: i.At, Until: i.Expires, Over: !now.Before(i.Expires)}
	}
	for _, t := range u.Tickets {
		if now.Before(t.Expires) {
			page.Tickets = append(page.Tickets, view.Ticket{Made: t.Made, Until: t.Expires, ByEmail: t.Provenance == account.ProvenanceEmail})
		}
	}
}

// mayActOn reports whether p may perform an operation on u, perhaps after a step-up. Pages show an operation only then; the
// function that performs it decides again.
func mayActOn(p admin.Principal, perm admin.Permission, u *account.User) bool {
	return p.Allows(perm) && p.Owner != string(u.ID) && p.Rank() > u.Rank()
}

func rightsOf(p admin.Principal, u *account.User) view.PersonRights {
	return view.PersonRights{FreezeDevice: mayActOn(p, admin.PermAssist, u), RemoveDevice: mayActOn(p, admin.PermReset, u) && !p.NeedsApproval(u),
		WithdrawInvitation: mayActOn(p, admin.PermInvite, u), WithdrawTickets: mayActOn(p, admin.PermAssist, u),
		ResendTicket: mayActOn(p, admin.PermReset, u) && !p.NeedsApproval(u) && len(u.Devices) == 0, Join: mayActOn(p, admin.PermManage, u) && !p.Scoped()}
}

// actsOn returns the operations on a user that their state allows: help first, then the account, then what ends it.
func (c *Pages) actsOn(p admin.Principal, u *account.User) [][]view.ActLink {
	active, gone := u.Status == account.StatusActive, u.Status == account.StatusDeactivated
	asksApproval := p.Allows(admin.PermApprove) && p.Owner != string(u.ID) && p.Rank() >= u.Rank()
	var out [][]view.ActLink
	for _, group := range [][]struct {
		need admin.Permission
		when bool
		link view.ActLink
	}{{
		{admin.PermInvite, !gone && !u.EverHadDevice, view.ActLink{Name: "invite", Key: "i"}},
		{admin.PermAssist, active, view.ActLink{Name: "unlock", Key: "u"}},
		{admin.PermAssist, active && c.Accounts.CanReplacePassword(u), view.ActLink{Name: "password_link", Key: "p"}},
		{admin.PermAssist, active, view.ActLink{Name: "end_sessions", Key: "s"}},
		{admin.PermAssist, len(u.Devices) > 0, view.ActLink{Name: "freeze_all", Key: "f", Danger: true}},
		{admin.PermReset, !gone && u.EverHadDevice && len(u.Roles) == 0, view.ActLink{Name: "hand-over", Words: "act.hand_over.button", Key: "h"}},
		{admin.PermApprove, !gone && u.EverHadDevice && asksApproval, view.ActLink{Name: "reset", Key: "r", Danger: true}},
	}, {
		{admin.PermManage, true, view.ActLink{Name: "edit", Key: "e"}},
		{admin.PermManage, active && u.Password.MustChange == "" && !u.Password.Set.IsZero(), view.ActLink{Name: "expire_password"}},
		{admin.PermManage, u.Status == account.StatusSuspended, view.ActLink{Name: "unsuspend"}},
		{admin.PermManage, gone, view.ActLink{Name: "reactivate"}},
	}, {
		{admin.PermManage, active, view.ActLink{Name: "suspend", Danger: true}},
		{admin.PermManage, !gone, view.ActLink{Name: "deactivate", Danger: true}},
		{admin.PermManage, gone, view.ActLink{Name: "delete", Danger: true}},
	}} {
		var links []view.ActLink
		for _, a := range group {
			if a.when && (mayActOn(p, a.need, u) || a.need == admin.PermApprove) {
				a.link.Path = pathOf(u) + "/" + a.link.Name
				links = append(links, a.link)
			}
		}
		if links != nil {
			out = append(out, links)
		}
	}
	return out
}
