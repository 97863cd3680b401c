package authn

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// RenameDevice gives a device another name.
func (s *Service) RenameDevice(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID, name string) error {
	name, err := account.DeviceName(name, false)
	if err != nil {
		return err
	}
	op := s.Accounts.NewOperation(req)
	_, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Sessions.Load(tx.Reader, session, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		d := u.Device(id)
		if d == nil {
			return struct{}{}, errcode.New(errcode.NotFound)
		}
		changed := *d
		changed.Name = name
		u.Devices = ReplaceDevice(u.Devices, changed)
		if err := tx.AuditDevice(&u, audit.FactorUpdated, changed); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RemoveDevice takes one of the person's own devices away, never the last that counts. Every other session ends.
func (s *Service) RemoveDevice(ctx context.Context, req account.RequestInfo, sess secret.Value, id factors.DeviceID) (session.Credentials, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (session.Credentials, error) {
		ses, u, err := s.RequireStepUp(tx, sess)
		if err != nil {
			return session.Credentials{}, err
		}
		d := u.Device(id)
		if d == nil {
			return session.Credentials{}, errcode.New(errcode.NotFound)
		}
		if s.Accounts.CanUse(&u, *d) && s.Accounts.Method(d.Kind).Primary && s.Accounts.CountPrimary(&u) <= 1 {
			return session.Credentials{}, errcode.New(errcode.LastDevice)
		}
		gone := *d
		if err := s.DeleteDevice(tx, &u, gone); err != nil {
			return session.Credentials{}, err
		}
		tx.AddActivity(&u, audit.FactorRemoved, gone.Name)
		if err := tx.AuditDevice(&u, audit.FactorRemoved, gone); err != nil {
			return session.Credentials{}, err
		}
		issued, err := s.Sessions.Rotate(tx, &u, ses)
		if err != nil {
			return session.Credentials{}, err
		}
		return issued, tx.Save(&u)
	})
}

// DeleteDevice takes a device from the person, raises the Epoch (PROTOCOL 2) and mails; the caller audits, ends
// the sessions and saves.
func (s *Service) DeleteDevice(tx *account.Tx, u *account.User, d factors.Device) error {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(x factors.Device) bool { return x.ID == d.ID })
	u.Epoch++
	if err := tx.ReleaseUnique(d); err != nil {
		return err
	}
	return tx.Notify(u, notice.DeviceRemoved{Context: tx.About(u), Device: d.Name}, time.Time{})
}

// ReplaceDevice returns a copy of the list with one device replaced.
func ReplaceDevice(list []factors.Device, d factors.Device) []factors.Device {
	out := make([]factors.Device, len(list))
	for i := range list {
		if out[i] = list[i]; out[i].ID == d.ID {
			out[i] = d
		}
	}
	return out
}

// DisplayDevices is a list of devices to show, the one used last first, without what must not be shown.
func DisplayDevices(devices []factors.Device) []factors.Device {
	out := slices.Clone(devices)
	for i := range out {
		out[i].Data = nil
	}
	slices.SortStableFunc(out, func(a, b factors.Device) int { return lastUse(b).Compare(lastUse(a)) })
	return out
}

func lastUse(d factors.Device) time.Time {
	if d.LastUsed.IsZero() {
		return d.Added
	}
	return d.LastUsed
}
