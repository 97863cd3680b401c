// Package freeze blocks devices that are lost or stolen, and ends that again (protocol rule 12). A frozen device stays in the
// record of its user and verifies nothing. The package decides who may freeze and what ends a freeze; which devices a sign-in
// accepts is decided in package account.
package freeze

import (
	"cmp"
	"context"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// Service freezes devices.
type Service struct {
	signIn   *authn.Service
	accounts *account.Service
	sessions *session.Service
}

// New returns a service for the users of signIn.
func New(signIn *authn.Service) *Service {
	return &Service{signIn: signIn, accounts: signIn.Accounts, sessions: signIn.Sessions}
}

// All names every device of a user, with the recovery codes and tickets.
const All factors.DeviceID = ""

// Result is the result of a freeze.
type Result struct {
	User     account.UserID
	Login    string
	At       time.Time
	All      bool             // no device and no ticket of the user is usable any more
	Devices  []factors.Device // that were frozen now, without Data
	Sessions int              // that ended, except the renewed one
	session.Credentials
}

// call is one request to freeze.
type call struct {
	device factors.DeviceID
	by     admin.Principal // zero: the user, or a reader of their email
	reason string
	method string // for the audit log
	find   func(r account.Reader, now time.Time) (account.User, error)
	// renew stores what belongs to the epoch of the user and stays valid. It runs before the user is saved.
	renew func(tx *account.Tx, u *account.User, out *Result) error
}

// run freezes in one Update. It returns WrongState with ReasonLastAdmin if no SUPER_ADMIN could sign in afterwards, and
// NotFound if the user has no such device. It is not limited, and a device that is frozen already is no error and stores nothing.
func (s *Service) run(ctx context.Context, req account.RequestInfo, c call) (Result, error) {
	var out Result
	err := authn.RetryOnConflict(ctx, func() (bool, error) {
		op := s.accounts.NewOperation(req)
		var u account.User
		if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
			u, err = c.find(r, op.Now)
			return err
		}); err != nil {
			return false, err
		}
		other := account.UserID("")
		if s.endsAdministration(&u, c.device) {
			var err error
			if other, err = admin.OtherSuperAdmin(ctx, s.accounts, u.ID); err != nil {
				return false, err
			}
			if other == "" {
				return false, errcode.WrongStateFor(errcode.ReasonLastAdmin)
			}
		}
		done, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (*Result, error) { return s.store(tx, c, other) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// store freezes and saves. It returns nil if other can no longer sign in, but one administrator must.
func (s *Service) store(tx *account.Tx, c call, other account.UserID) (*Result, error) {
	u, err := c.find(tx.Reader, tx.Op.Now)
	if err != nil {
		return nil, err
	}
	if s.endsAdministration(&u, c.device) {
		if other == "" {
			return nil, nil
		}
		o, err := tx.User(other)
		if errcode.Of(err) == errcode.NotFound || err == nil && !admin.CanAdminister(s.accounts, &o) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	out := Result{User: u.ID, Login: u.Login, At: tx.Op.Now}
	if c.device != All && u.Device(c.device) == nil {
		return nil, errcode.New(errcode.NotFound)
	}
	out.Devices = s.mark(tx, &u, c)
	if len(out.Devices) == 0 && (c.device != All || nothingLeft(&u)) {
		return &out, nil // frozen before
	}
	if c.device == All {
		if err := endTickets(tx, &u); err != nil {
			return nil, err
		}
	}
	out.All = len(s.accounts.UsableDevices(&u)) == 0
	u.AdminEnrolment, u.AdminVerification = nil, nil
	if out.Sessions, err = tx.RevokeAllSessions(&u, false); err != nil {
		return nil, err
	}
	if c.renew != nil {
		if err := c.renew(tx, &u, &out); err != nil {
			return nil, err
		}
	}
	if err := s.record(tx, &u, c, &out); err != nil {
		return nil, err
	}
	tx.SetResult(out)
	return &out, tx.Save(&u)
}

// nothingLeft reports whether a freeze of All ends nothing of a user whose devices are frozen. Such a freeze must store nothing,
// because it is never refused.
func nothingLeft(u *account.User) bool {
	return len(u.Sessions) == 0 && len(u.Tickets) == 0 && u.ResetAt.IsZero() && u.AdminEnrolment == nil && u.AdminVerification == nil
}

// mark sets Frozen in the devices that the call names, and returns those that were not frozen before.
func (s *Service) mark(tx *account.Tx, u *account.User, c call) (frozen []factors.Device) {
	by := ""
	if c.by.Owner != "" {
		by = c.by.DisplayName(s.accounts.Policy.Issuer)
	}
	u.Devices = slices.Clone(u.Devices)
	for i := range u.Devices {
		d := &u.Devices[i]
		if c.device != All && d.ID != c.device || d.IsFrozen() {
			continue
		}
		d.Frozen, d.FrozenBy = tx.Op.Now, by
		frozen = append(frozen, *d)
		frozen[len(frozen)-1].Data = nil
	}
	return frozen
}

// endTickets ends the tickets of a user, and what could bring another one by email (protocol rule 10).
func endTickets(tx *account.Tx, u *account.User) error {
	for _, t := range u.Tickets {
		if err := tx.DeleteLink(t.Link); err != nil {
			return err
		}
	}
	u.Tickets, u.ResetAt = nil, time.Time{}
	return nil
}

// record writes the event, the activity and the notification of a freeze.
func (s *Service) record(tx *account.Tx, u *account.User, c call, out *Result) error {
	names := []string{}
	e := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login}}
	add := tx.AddActivity
	if c.by.Owner != "" {
		e.Actor, add = c.by.Actor(), tx.AddAdminActivity
	}
	e.Subject, e.SubjectName, e.Action, e.Outcome, e.Reason = string(u.ID), u.Login, audit.FactorFrozen, audit.Success, c.reason
	e.Detail = map[string]string{"method": c.method}
	if c.device == All {
		e.Detail["all"] = "true"
	}
	for _, d := range out.Devices {
		e.Targets = append(e.Targets, audit.Actor{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name})
		if !s.accounts.IsBackup(d) {
			names = append(names, cmp.Or(d.Name, string(d.Kind)))
		}
		add(u, audit.FactorFrozen, d.Name)
	}
	if err := tx.Audit(e); err != nil {
		return err
	}
	about := notice.Context{Name: u.DisplayName(), At: tx.Op.Now}
	m := notice.DevicesFrozen{Context: about, Devices: names, All: c.device == All}
	if c.by.Owner != "" {
		m.By = c.by.DisplayName(s.accounts.Policy.Issuer)
	} else {
		m.Context = tx.About(u)
		m.Freeze = ""
	}
	return tx.Notify(u, m, time.Time{})
}

// endsAdministration reports whether u is a SUPER_ADMIN who can sign in, and could not without the device.
func (s *Service) endsAdministration(u *account.User, device factors.DeviceID) bool {
	return admin.CanAdminister(s.accounts, u) && !slices.ContainsFunc(s.accounts.UsableDevices(u), func(d factors.Device) bool {
		return device != All && d.ID != device
	})
}
